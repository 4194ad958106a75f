"""Runs the cases of a file of tests, and tells what came out otherwise than expected."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flowforge.engine.contracts import RunOptions
from flowforge.engine.proof.happenings import Happening
from flowforge.engine.proof.replay import StoryError, replay
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.testing.acts import do
from flowforge.testing.documents import Play, TestFile
from flowforge.testing.harness import TestHarness
from flowforge.testing.mocks import NotMockedError
from flowforge.testing.seen import Difference, Seen, differences, unequal


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a case.

    Attributes:
        name: the case's name.
        differences: what came out otherwise; none where it passed.
        failure: why the run ended as it did, where it failed.
        seen: the run in its end; None where it did not come to one, or a story was told.
    """

    name: str
    differences: tuple[Difference, ...]
    failure: str | None = None
    seen: Seen | None = None

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
    plays = TestFile(path).plays
    return [_tell(play, catalogue) if play.case.happens is not None else run_case(play) for play in plays]


def run_case(play: Play, options: RunOptions | None = None) -> Result:
    """Run a case in virtual time.

    Args:
        play: the case.
        options: how actions are tried, where their steps do not say.
    """
    case = play.case
    harness = TestHarness(play.mocks, [play.definition, *play.others], options=options)
    try:
        harness.start(play.definition.id, play.input)
        for number, act in enumerate(case.then, start=1):
            if act.at is None:
                harness.go_on()
            else:
                harness.until_called(act.at)
            do(harness, act)
            if act.expect is not None and (found := tuple(differences(act.expect, _seen(harness)))):
                told = tuple(replace(one, what=f"after act {number}, {one.what}") for one in found)
                return Result(name=case.name, differences=told)
        harness.go_on()
    except (NotMockedError, LookupError, ValueError) as error:
        return Result(name=case.name, differences=(Difference(what="the test", expected="to run", found=str(error)),))
    state = harness.current.state
    failure = None if state.failure is None else state.failure.error
    seen = _seen(harness)
    found = tuple(differences(case.expect, seen))
    return Result(name=case.name, differences=found, failure=None if failure is None else failure.message, seen=seen)


def _tell(play: Play, catalogue: ActionCatalogue | None) -> Result:
    case = play.case
    told = [Happening(who, what) for line in case.happens or () for who, what in line.items()]
    try:
        found = replay(play.definition, told, catalogue, given=play.input)
    except StoryError as error:
        return Result(
            name=case.name, differences=(Difference(what="the story", expected="to happen", found=str(error)),)
        )
    wrong: Mapping[str, str] = found.wrong
    checks = (("status", case.expect.status, found.status), ("wrong", case.expect.wrong, dict(wrong)))
    return Result(name=case.name, differences=tuple(unequal(checks)))


def _seen(harness: TestHarness) -> Seen:
    run = harness.current
    failure = run.state.failure
    return Seen(
        status=run.status,
        error=None if failure is None else failure.error.code,
        started=run.started,
        undone=run.undone,
        attempts=sum((Counter(each.attempts) for each in harness.runs), Counter()),
        output=run.state.output,
        view_of=harness.status_of,
        value_at=harness.value_at,
    )
