"""The runs that other runs have begun: they end, are cancelled and are undone with their parents."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flowforge.engine.core.events import CancelRequested
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, OutcomeKind, StepError

if TYPE_CHECKING:
    from flowforge.testing.run import PlayedRun

Start = Callable[[str, Mapping[str, Any], str], "PlayedRun | None"]
"""Makes a run of a definition, with an input and a name; None where nobody knows the definition."""


class Children:
    """All runs that were begun by others, by the name of their parent and its unit of work.

    Args:
        start: makes a run.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._runs: dict[tuple[str, Key], PlayedRun] = {}

    @property
    def runs(self) -> list["PlayedRun"]:
        """All of them."""
        return list(self._runs.values())

    def begin(self, parent: str, key: Key, params: Any, settled: Callable[[Outcome], None]) -> None:
        """Begin a run, and tell its parent when it has ended."""
        given = params if isinstance(params, Mapping) else {}
        child = self._start(str(given.get("workflowId")), given.get("input") or {}, f"{parent}.{key}")
        if child is None:
            error = StepError(code="unknown_workflow", message=f"there is no workflow {given.get('workflowId')}")
            settled(Outcome(kind="refused", error=error))
            return
        self._runs[parent, key] = child
        child.on_end = lambda: settled(_outcome_of(child))
        child.begin()

    def cancel(self, parent: str, key: Key) -> None:
        """Call a run off because its parent is."""
        child = self._runs.get((parent, key))
        if child is not None:
            child.tell(CancelRequested(reason="its parent turns back"))

    def undo(self, parent: str, key: Key, done: Callable[[], None]) -> bool:
        """Undo a run that had completed; tell whether there is one at all. One that failed has undone itself."""
        child = self._runs.get((parent, key))
        if child is None:
            return False
        if child.state.phase != "completed":
            done()
            return True
        child.on_end = done
        child.take_back()
        return True


def _outcome_of(child: "PlayedRun") -> Outcome:
    if child.state.phase == "completed":
        return Outcome(kind="succeeded", result=child.state.output)
    kind: OutcomeKind = "cancelled" if child.state.phase == "cancelled" else "failed"
    return Outcome(kind=kind, error=None if child.state.failure is None else child.state.failure.error)
