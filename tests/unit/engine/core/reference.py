"""What must hold of every run, told naively: from the list of all that happened, with no idea of how it is walked."""

from collections.abc import Collection, Mapping
from typing import Any

from flowforge.engine.core.commands import Command, Finish, Run, Undo
from flowforge.engine.core.events import Event, Settled, Suspended, UndoDelayed, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome
from flowforge.engine.core.state import State
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step

Entry = Event | Command


class History:
    """What happened, as far as it matters."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._steps = {step.id: step for step in definition.steps}
        self.starts: list[Key] = []
        self.undo_starts: list[Key] = []
        self.never_called: set[Key] = set()
        self._again: set[Key] = set()
        self._in_flight: set[Key] = set()
        self._undoing: set[Key] = set()
        self._undone: set[Key] = set()

    def add(self, entry: Entry, state: State) -> None:
        """Assert that something may happen now."""
        match entry:
            case Run(key):
                self._run(key)
                if not self._definition.is_state_machine:
                    self._come_after_what_it_needs(self._steps[key.step], state)
            case Settled(key, outcome) if key in self._in_flight:
                self._settle(key, outcome)
            case Suspended(key) if key in self._in_flight:
                self._in_flight.discard(key)
                self._again.add(key)
            case Undo(key):
                self._begin_undo(key)
            case UndoSettled() | UndoDelayed():
                self._undoing.discard(entry.key)
                if isinstance(entry, UndoSettled) and entry.status == "done" and entry.key in self.undo_starts:
                    self._undone.add(entry.key)
            case Finish(end):
                assert not self._in_flight
                assert state.phase == end

    def _settle(self, key: Key, outcome: Outcome) -> None:
        self._in_flight.discard(key)
        self._again.discard(key)
        if outcome.kind in {"failed", "timed_out", "cancelled"}:
            self._again.add(key)  # an operator may have it tried again under its key
        if not outcome.began:
            self.never_called.add(key)

    def _begin_undo(self, key: Key) -> None:
        assert not self._in_flight, f"undo of {key} begins while {self._in_flight} are in flight"
        assert key not in self._undone, f"{key} is undone twice"
        if key not in self.undo_starts:  # an operator may have one tried again beside the others
            assert not self._undoing, f"undo of {key} begins beside that of {self._undoing}"
            self.undo_starts.append(key)
            self._undoing.add(key)

    def _run(self, key: Key) -> None:
        assert not self.undo_starts, f"{key} starts after undo began"
        assert key not in self._in_flight, f"{key} runs twice at once"
        assert key not in self.starts or key in self._again, f"{key} starts twice"
        if key not in self.starts:
            self.starts.append(key)
        self._in_flight.add(key)

    def _come_after_what_it_needs(self, step: Step, state: State) -> None:
        ended = {name for name, found in state.steps.items() if found.status != "active"}
        succeeded = {name for name in ended if state.steps[name].status in {"succeeded", "failed"}}
        if step.depends_on:
            assert succeeded & set(step.depends_on), f"{step.id} starts although nothing it depends on was done"
        if step.join == "all":
            assert set(step.depends_on) <= ended, f"{step.id} starts before what it depends on"
        sources = {source.id for source in self._definition.steps if source.error_branch == step.id}
        if sources:
            assert any(name in ended and state.steps[name].status == "failed" for name in sources)


def check_history(definition: Definition, entries: list[tuple[Entry, State]], *, unseen: Collection[str] = ()) -> None:
    """Assert that actions and undos came in an order that makes the run whole.

    Of `unseen` steps it may be unknown that they began: they are begun by every run that completes, unless a wait led
    elsewhere, and undone by every other one.
    """
    history = History(definition)
    for entry, state in entries:
        history.add(entry, state)
    end = entries[-1][1]
    _check_undos(definition, end, history)
    if end.phase == "completed":
        led_away = any(isinstance(entry, Suspended) and entry.wait.on_timeout == "branch" for entry, _ in entries)
        begun = {key.step for key in history.starts} | {step.id for step in definition.steps if step.action == "noop"}
        assert led_away or set(unseen) <= begun
    else:
        assert set(unseen) <= {entry.key.step for entry in end.undos}


def _check_undos(definition: Definition, end: State, history: History) -> None:
    steps = {step.id: step for step in definition.steps}
    undoable = [key for key in history.starts if steps[key.step].compensation or steps[key.step].action == "workflow"]
    if end.phase == "completed":
        assert not history.undo_starts
        return
    # A noop never asks for anything, so its undo is not in the list of starts; it is in the state's.
    acted = [entry for entry in end.undos if entry.starts]
    assert acted == list(end.undos[: len(acted)])
    registered = [entry.key for entry in acted if steps[entry.key.step].action != "noop"]
    assert [key for key in registered if key in undoable] == registered
    assert [key for key in undoable if key not in registered and key not in history.never_called] == []
    assert history.undo_starts == [entry.key for entry in reversed(end.undos)]
    assert all(entry.status in {"done", "not_needed", "written_off"} for entry in end.undos)
    cancelled = end.failure is not None and end.failure.kind == "cancelled"
    assert end.phase == ("cancelled" if cancelled else "compensated" if end.undos else "failed")


def expected_end(definition: Definition, outcomes: Mapping[str, Any]) -> dict[str, str]:
    """Return what must become of each step of a graph of which no step fails the run.

    Args:
        definition: a graph.
        outcomes: by step, whether its condition holds, and whether and with what its action succeeds.
    """
    found: dict[str, str] = {}
    ways: dict[str, str] = {}
    waiting = {step.id: step for step in definition.steps}
    sources = {step.id: [s for s in definition.steps if s.error_branch == step.id] for step in definition.steps}
    while waiting:
        for step in list(waiting.values()):
            before = {*step.depends_on, *(source.id for source in sources[step.id])}
            if before <= set(found):
                del waiting[step.id]
                found[step.id], ways[step.id] = _end_of(step, sources[step.id], ways, outcomes[step.id])
    return found


def _end_of(step: Step, sources: list[Step], ways: dict[str, str], outcome: Mapping[str, Any]) -> tuple[str, str]:
    branched = [source.id for source in sources if ways[source.id] == "branch"]
    if sources and not branched:
        return "skipped", "shut"
    ready = [before for before in step.depends_on if ways[before] == "open" or before in branched]
    if step.depends_on and not ready:
        return "skipped", "shut"
    if step.condition is not None and not outcome["condition"]:
        return "skipped", "shut"
    if step.action == "noop" or outcome["succeeds"]:
        gives_false = step.action == "condition" and outcome["result"] is False
        return "succeeded", "shut" if gives_false else "open"
    return "failed", "branch" if step.on_error == "branch" else "open"
