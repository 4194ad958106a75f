"""What was seen of a run, and how that differs from what a test expects; the same whatever shell ran it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowforge.engine.core.views import RunStatus, StepView
from flowforge.testing.documents import Expectation


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
class Seen:
    """A run, as tests look at it.

    Attributes:
        status: what it is called.
        error: the code with which it failed, None where it did not.
        started: the units of work whose actions were started, in order.
        undone: those whose undo was started, in order.
        attempts: how many attempts each took; of an undo under `undo ` and its name.
        output: what it gave back.
        view_of: tells what became of a step.
        value_at: tells what is in its context at a path, None where nothing is.
    """

    status: RunStatus
    error: str | None
    started: Sequence[str]
    undone: Sequence[str]
    attempts: Mapping[str, int]
    output: Any
    view_of: Callable[[str], StepView]
    value_at: Callable[[str], Any]


def differences(expect: Expectation, seen: Seen) -> Iterator[Difference]:
    """Yield everything that is otherwise than expected; of what is not named nothing is."""
    steps: Any = list(seen.started)
    if isinstance(expect.steps, dict):
        steps = {step: seen.view_of(step) for step in expect.steps}
    attempts = None if expect.attempts is None else {name: seen.attempts.get(name, 0) for name in expect.attempts}
    yield from unequal(
        (
            ("status", expect.status, seen.status),
            ("error", expect.error, seen.error),
            ("steps", expect.steps, steps),
            ("undo", expect.undo, list(seen.undone)),
            ("attempts", expect.attempts, attempts),
        )
    )
    if "output" in expect.model_fields_set and expect.output != seen.output:
        yield Difference(what="output", expected=expect.output, found=seen.output)
    for path, value in expect.context.items():
        found = seen.value_at(path)
        if found != value:
            yield Difference(what=f"context {path}", expected=value, found=found)


def unequal(checks: tuple[tuple[str, Any, Any], ...]) -> Iterator[Difference]:
    """Yield what was found otherwise than expected; None expects nothing."""
    for what, expected, found in checks:
        if expected is not None and expected != found:
            yield Difference(what=what, expected=expected, found=found)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
