"""Runs the cases of a file of tests, and tells what came out otherwise than expected."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowforge.engine.core.views import step_view
from flowforge.engine.proof.happenings import Happening
from flowforge.engine.proof.replay import StoryError, replay
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.testing.documents import Act, Case, Expectation, TestFile, mock_of
from flowforge.testing.harness import TestHarness
from flowforge.testing.mocks import NotMockedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that came out otherwise than expected.

    Attributes:
        what: what was looked at.
        expected: what it should have been.
        found: what it was.
    """

    what: str
    expected: Any
    found: Any

    def lines(self) -> Iterator[str]:
        """Yield it as people read it."""
        yield f"{self.what}:"
        yield f"  - expected {_written(self.expected)}"
        yield f"  + found    {_written(self.found)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a case.

    Attributes:
        name: the case's name.
        differences: what came out otherwise; none where it passed.
        failure: why the run ended as it did, where it failed.
    """

    name: str
    differences: tuple[Difference, ...]
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


def run_file(path: Path, catalogue: ActionCatalogue | None = None) -> list[Result]:
    """Run every case of a file.

    Args:
        path: the file.
        catalogue: what is known of actions, for cases that tell a story.

    Raises:
        TestFileError: it cannot be understood.
    """
    tests = TestFile(path)
    return [_tell(tests, case, catalogue) if case.happens is not None else _play(tests, case) for case in tests.cases]


def _play(tests: TestFile, case: Case) -> Result:
    mocks = {name: mock_of(value) for name, value in {**tests.mocks, **case.mocks}.items()}
    harness = TestHarness(mocks, [tests.definition, *tests.others])
    try:
        harness.run(tests.definition.id, tests.input if case.input is None else case.input)
        for act in case.then:
            _do(harness, act)
    except (NotMockedError, ValueError) as error:
        return Result(name=case.name, differences=(Difference(what="the test", expected="to run", found=str(error)),))
    state = harness.current.state
    failure = None if state.failure is None else state.failure.error
    found = tuple(_differences(harness, case.expect))
    return Result(name=case.name, differences=found, failure=None if failure is None else failure.message)


def _tell(tests: TestFile, case: Case, catalogue: ActionCatalogue | None) -> Result:
    told = [Happening(who, what) for line in case.happens or () for who, what in line.items()]
    try:
        found = replay(tests.definition, told, catalogue, given=tests.input if case.input is None else case.input)
    except StoryError as error:
        return Result(
            name=case.name, differences=(Difference(what="the story", expected="to happen", found=str(error)),)
        )
    wrong: Mapping[str, str] = found.wrong
    checks = (("status", case.expect.status, found.status), ("wrong", case.expect.wrong, dict(wrong)))
    return Result(name=case.name, differences=tuple(_unequal(checks)))


def _do(harness: TestHarness, act: Act) -> None:
    given = act.model_fields_set
    if act.signal is not None:
        harness.signal(act.signal, act.data)
    elif act.cancel is not None:
        harness.cancel(act.cancel)
    elif act.let_pass is not None:
        harness.let_pass(act.let_pass)
    elif act.pause:
        harness.pause()
    elif act.compensate:
        harness.compensate()
    elif "resume" in given:
        harness.resume(act.resume)


def _differences(harness: TestHarness, expect: Expectation) -> Iterator[Difference]:
    run = harness.current
    failure = run.state.failure
    steps: Any = run.started
    if isinstance(expect.steps, dict):
        steps = {step: step_view(run.state, step) for step in expect.steps}
    attempts = None if expect.attempts is None else {name: run.attempts.get(name, 0) for name in expect.attempts}
    yield from _unequal(
        (
            ("status", expect.status, run.status),
            ("error", expect.error, None if failure is None else failure.error.code),
            ("steps", expect.steps, steps),
            ("undo", expect.undo, run.undone),
            ("attempts", expect.attempts, attempts),
        )
    )
    if "output" in expect.model_fields_set and expect.output != run.state.output:
        yield Difference(what="output", expected=expect.output, found=run.state.output)
    for path, value in expect.context.items():
        found = harness.value_at(path)
        if found != value:
            yield Difference(what=f"context {path}", expected=value, found=found)


def _unequal(checks: tuple[tuple[str, Any, Any], ...]) -> Iterator[Difference]:
    for what, expected, found in checks:
        if expected is not None and expected != found:
            yield Difference(what=what, expected=expected, found=found)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
