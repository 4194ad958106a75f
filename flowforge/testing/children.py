"""The runs that other runs have begun: they end, are cancelled and are undone with their parents."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from flowforge.engine.contracts import MAX_DEPTH
from flowforge.engine.core.events import CancelRequested
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, OutcomeKind, StepError
from flowforge.engine.data_checks import InputRefused

if TYPE_CHECKING:
    from flowforge.testing.run import PlayedRun

Start = Callable[[str, Mapping[str, Any], str], "PlayedRun | None"]
"""Makes a run of a definition, with an input and a name; None where nobody knows the definition."""

Undone = Literal["done", "not_needed"]


class Children:
    """All runs that were begun by others, by the name of their parent and its unit of work.

    Args:
        start: makes a run.
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._runs: dict[tuple[str, Key], PlayedRun] = {}
        self._depths: dict[str, int] = {}

    @property
    def runs(self) -> list["PlayedRun"]:
        """All of them."""
        return list(self._runs.values())

    def begin(self, parent: str, key: Key, params: Any, settled: Callable[[Outcome], None]) -> None:
        """Begin a run, and tell its parent when it has ended."""
        try:
            child = self._made(parent, key, params if isinstance(params, Mapping) else {})
        except _NoChild as refused:
            settled(Outcome(kind="refused", error=refused.error))
            return
        self._runs[parent, key] = child
        child.on_end = lambda: settled(_outcome_of(child))
        child.begin()

    def _made(self, parent: str, key: Key, params: Mapping[str, Any]) -> "PlayedRun":
        depth = self._depths.get(parent, 0)
        if depth >= MAX_DEPTH:
            raise _NoChild("conflict", f"runs have started one another {MAX_DEPTH} deep")
        name, given = params.get("workflowId"), params.get("input") or {}
        if not isinstance(name, str) or not isinstance(given, Mapping):
            raise _NoChild("bad_params", "a run is started by `workflowId` and an `input`, which is an object")
        try:
            child = self._start(name, given, f"{parent}.{key}")
        except InputRefused as refused:
            raise _NoChild("bad_params", str(refused)) from refused
        if child is None:
            raise _NoChild("not_found", f"there is no workflow {name!r}")
        self._depths[child.name] = depth + 1
        return child

    def cancel(self, parent: str, key: Key) -> None:
        """Call a run off because its parent is."""
        child = self._runs.get((parent, key))
        if child is not None:
            child.tell(CancelRequested(reason="its parent turns back"))

    def undo(self, parent: str, key: Key, done: Callable[[Undone], None]) -> None:
        """Undo a run that had completed, and tell its parent; one that had not has undone itself."""
        child = self._runs.get((parent, key))
        if child is None or child.state.phase != "completed":
            done("not_needed")
            return
        child.on_end = lambda: done("done")
        child.take_back()


class _NoChild(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = StepError(code=code, message=message)


def _outcome_of(child: "PlayedRun") -> Outcome:
    if child.state.phase == "completed":
        return Outcome(kind="succeeded", result=child.state.output)
    kind: OutcomeKind = "cancelled" if child.state.phase == "cancelled" else "refused"  # whole again: nothing is left
    return Outcome(kind=kind, error=None if child.state.failure is None else child.state.failure.error)
