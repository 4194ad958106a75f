"""The harness: runs definitions in virtual time, without a server.

harness = TestHarness({"charge": {"id": "ch_1"}, "ship": Refused("no_courier", "none is free")}, [ORDER])
harness.run("order", {"orderId": "o1"})
harness.assert_failed("no_courier")
harness.assert_compensated("charge")
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from flowforge.engine.contracts import RunOptions
from flowforge.engine.core.events import (
    CancelRequested,
    Compensate,
    PauseRequested,
    Resumed,
    Retry,
    UndoRetried,
    UndoWrittenOff,
)
from flowforge.engine.core.retrying import obstacles
from flowforge.engine.core.views import StepView, step_view
from flowforge.engine.data_checks import check_data
from flowforge.engine.definition.model import Definition
from flowforge.engine.durations import parse
from flowforge.engine.validation.examine import examine, examine_value
from flowforge.testing.children import Children
from flowforge.testing.mocks import Mocks
from flowforge.testing.run import PlayedRun
from flowforge.testing.timeline import Timeline

Source = Definition | str | Path | Mapping[str, Any]
"""A definition, or the text, file or value of one, in any of the forms."""

_MOST_STEPS = 1_000_000  # whoever gets there goes round in circles


class TestHarness:
    """Runs definitions, with mocks in the place of their actions.

    A mock stands under a step's id, under `undo ` and a step's id, or under an action's name, in this order. It is

    - a value: the result;
    - a function `(params, context)`, `(params)` or `()`, plain or async: what it returns or raises is the answer;
    - a list: one answer after the other, the last one for every call that comes later;
    - `Refused(code, message)`, `Failed(code, message)` or another exception: raised. Refusals are for good, everything
      else is tried again as the step says;
    - `Wait(event)`, `Takes(length, answer)`, `Hangs()`, `Insists(answer)`, `Returns(value)`.

    Actions that need nothing (noop, log, fail, condition, delay, wait, workflow) run as they are; an undo without a
    mock succeeds; any other action without a mock is an error of the test.

    Args:
        actions: the mocks.
        definitions: what may be run: definitions, or texts, files or values in any of the forms.
        options: how actions are tried, where their steps do not say; by default as FlowForge does.

    Attributes:
        current: the run that was begun last.
    """

    __test__ = False  # its name looks like a test's

    def __init__(
        self, actions: Mapping[str, Any], definitions: Iterable[Source], *, options: RunOptions | None = None
    ) -> None:
        self._mocks = Mocks(actions)
        self._options = options or RunOptions()
        self._definitions = {found.id: found for found in map(_definition, definitions)}
        self._timeline = Timeline()
        self._children = Children(self._make)
        self._runs: list[PlayedRun] = []

    @property
    def current(self) -> PlayedRun:
        """The run that was begun last."""
        if not self._runs:
            raise LookupError("nothing runs yet: use run or start")
        return self._runs[-1]

    @property
    def runs(self) -> list[PlayedRun]:
        """All runs: those that were begun here, and those that they began."""
        return [*self._runs, *self._children.runs]

    @property
    def elapsed(self) -> timedelta:
        """How much virtual time has passed."""
        return self._timeline.now - Timeline().now

    def start(self, definition_id: str, input: Mapping[str, Any] | None = None) -> PlayedRun:  # noqa: A002
        """Begin a run and let nothing happen yet: `step` does.

        Raises:
            LookupError: there is no such definition.
            InputRefused: the input is not as its schema says.
        """
        run = self._make(definition_id, input or {}, f"exec-{len(self._runs) + 1}")
        if run is None:
            raise LookupError(f"there is no definition {definition_id!r}, only {', '.join(self._definitions)}")
        self._runs.append(run)
        run.begin()
        return run

    def run(self, definition_id: str, input: Mapping[str, Any] | None = None) -> PlayedRun:  # noqa: A002
        """Run a definition until it ends, or waits for an event or an operator."""
        self.start(definition_id, input)
        return self.go_on()

    def step(self) -> Self:
        """Let one thing happen, however long it takes to come."""
        self._timeline.step()
        return self

    def until_called(self, unit: str) -> Self:
        """Let everything happen up to the first call of a unit of work: `charge`, `each[2]`, `undo charge`.

        Of one that only waits it is the moment when it begins to.

        Raises:
            LookupError: it is not called.
        """
        for _ in range(_MOST_STEPS):
            if any(unit in run.called for run in self.runs):
                return self
            if not self._timeline.goes_on(patiently=True):
                break
            self._timeline.step()
        raise LookupError(f"{unit} is not called; the run is {self._told()}")

    def go_on(self) -> PlayedRun:
        """Let everything happen that comes by itself; while somebody is waited for, no timeout comes."""
        for _ in range(_MOST_STEPS):
            waits = any(run.waits_for_event for run in self.runs)
            if not self._timeline.goes_on(patiently=not waits):
                break
            self._timeline.step()
        return self.current

    def let_pass(self, length: str | float | timedelta) -> PlayedRun:
        """Let time pass (`3d`), and everything happen that comes in it."""
        limit = self._timeline.now + (length if isinstance(length, timedelta) else parse(length))
        while self._timeline.due_by(limit):
            self._timeline.step()
        self._timeline.now = limit
        return self.go_on()

    def resume(self, data: Any = None) -> PlayedRun:
        """Go on after a pause, or wake whoever waits first, with data as its result."""
        self.current.tell(Resumed(data))
        return self.go_on()

    def signal(self, event: str, data: Any = None) -> PlayedRun:
        """Send an event; one that comes before anybody waits for it is kept."""
        self.current.signal(event, data)
        return self.go_on()

    def cancel(self, reason: str = "cancelled") -> PlayedRun:
        """Call the run off."""
        self.current.tell(CancelRequested(reason=reason))
        return self.go_on()

    def pause(self) -> PlayedRun:
        """Let no further action start."""
        self.current.tell(PauseRequested())
        return self.go_on()

    def compensate(self) -> PlayedRun:
        """Have a held run undone."""
        self.current.tell(Compensate())
        return self.go_on()

    def retry(self, step: str | None = None, values: Mapping[str, Any] | None = None) -> PlayedRun:
        """Have a run begin again that is held, has failed or was undone, with results and input keys edited first.

        Raises:
            ValueError: it cannot, from this step or at all; every reason is told.
        """
        event, run = Retry(step=step, values=dict(values or {})), self.current
        found = obstacles(run.plan, run.state, event)
        if found:
            raise ValueError("; ".join(obstacle.message for obstacle in found))
        run.tell(event)
        return self.go_on()

    def retry_undo(self, step: str) -> PlayedRun:
        """Have a step's undos tried again that failed for good."""
        self.current.tell(UndoRetried(step))
        return self.go_on()

    def write_off(self, step: str, by: str = "operator", reason: str = "given up") -> PlayedRun:
        """Give up a step's undos that failed for good."""
        self.current.tell(UndoWrittenOff(step=step, by=by, reason=reason))
        return self.go_on()

    def status_of(self, step: str) -> StepView:
        """Return what became of a step."""
        return step_view(self.current.state, step)

    def assert_completed(self) -> Self:
        """See that the run completed."""
        return self._see(self.current.status, "completed")

    def assert_failed(self, code: str | None = None) -> Self:
        """See that the run failed, with or without something undone, and with which code."""
        if self.current.status not in {"failed", "compensated", "needs_attention"}:
            raise AssertionError(f"the run is {self._told()}, expected it to have failed")
        failure = self.current.state.failure
        found = None if failure is None else failure.error.code
        return self if code is None else self._see(found, code)

    def assert_cancelled(self) -> Self:
        """See that the run was cancelled, and whatever it had done undone."""
        return self._see(self.current.status, "cancelled")

    def assert_compensated(self, *steps: str) -> Self:
        """See that the run was undone; with steps, that exactly their undos ran, in this order."""
        self._see(self.current.status, "compensated")
        return self._see(tuple(self.current.undone), steps) if steps else self

    def assert_context(self, values: Mapping[str, Any] | None = None, **more: Any) -> Self:
        """See what is in the run's context: the values of keys, or of paths such as `charge.id`."""
        for path, expected in {**(values or {}), **more}.items():
            self._see(self.value_at(path), expected, of=path)
        return self

    def assert_output(self, expected: Any) -> Self:
        """See what the run gave back."""
        return self._see(self.current.state.output, expected, of="output")

    def value_at(self, path: str) -> Any:
        """Return what is in the run's context under a key, or at a path; None where nothing is."""
        found: Any = self.current.context
        for part in [path] if path in found else path.split("."):
            if isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _see(self, found: Any, expected: Any, *, of: str = "the run") -> Self:
        if found != expected:
            raise AssertionError(f"{of}: expected {expected!r}, found {found!r}; the run is {self._told()}")
        return self

    def _told(self) -> str:
        failure = self.current.state.failure
        return self.current.status if failure is None else f"{self.current.status} ({failure.error.message})"

    def _make(self, definition_id: str, given: Mapping[str, Any], name: str) -> PlayedRun | None:
        definition = self._definitions.get(definition_id)
        if definition is None:
            return None
        if definition.input_schema is not None:
            check_data(definition.input_schema, dict(given))
        return PlayedRun(
            definition,
            given,
            name=name,
            timeline=self._timeline,
            mocks=self._mocks,
            children=self._children,
            options=self._options,
        )


def _definition(source: Source) -> Definition:
    match source:
        case Definition():
            return source
        case Path():
            return examine(source.read_bytes()).accepted()
        case str():
            return examine(source).accepted()
    return examine_value(dict(source)).accepted()
