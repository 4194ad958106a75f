"""One turn of the interpreter: a working copy of the state, the commands so far, and what is still to be looked at."""

from collections import deque
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from flowforge.engine.core.commands import Command, Run
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, Outcome
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import Phase, Stage, State, StepState, Task, UndoEntry
from flowforge.engine.core.table import Table

_FIELDS: Final = tuple(field.name for field in fields(State))
_HOLDS_A_PLACE: Final = frozenset({"running", "cancelling"})


class Turn:
    """What one event does to a run. Its attributes are those of `State`, here to be changed.

    Attributes:
        plan: what is walked.
        commands: what the shell is asked for.
        todo: steps to look at: in a graph whether they can start, in a state machine to be entered.
        instant: work that ended the moment it started.
    """

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan = plan
        self.commands: list[Command] = []
        self.todo: deque[str] = deque()
        self.instant: deque[tuple[Key, Outcome]] = deque()
        self.generation: int = state.generation
        self.phase: Phase = state.phase
        self.paused: bool = state.paused
        self.steps: Table[str, StepState] = Table(state.steps)
        self.tasks: Table[Key, Task] = Table(state.tasks)
        self.backlog: tuple[Key, ...] = state.backlog
        self.undos: tuple[UndoEntry, ...] = state.undos
        self.cursor: int = state.cursor
        self.repeated: frozenset[Key] = state.repeated
        self.failure: Failure | None = state.failure
        self.values: Table[str, Any] = Table(state.values)
        self.mail: tuple[tuple[str, Any], ...] = state.mail
        self.output: Any = state.output

    def state(self) -> State:
        """Return what the run is now."""
        return State(**{name: getattr(self, name) for name in _FIELDS})

    def start_over(self, values: Mapping[str, Any]) -> None:
        """Forget everything but these values: the run begins from nothing, in its next generation."""
        anew = State(generation=self.generation + 1, values=Table(values))
        for name in _FIELDS:
            setattr(self, name, getattr(anew, name))

    def emit(self, command: Command) -> None:
        """Ask the shell for something."""
        self.commands.append(command)

    def take(self, key: Key, *stages: Stage) -> Task | None:
        """Return and remove the task that waits at one of these stages; None where it is not there any more."""
        task = self.tasks.get(key)
        if task is None or task.stage not in stages:
            return None
        del self.tasks[key]
        return task

    def in_order(self, *stages: Stage) -> list[tuple[Key, Task]]:
        """Return the tasks at some stages, in the order of the definition."""
        found = [(key, task) for key, task in self.tasks.items() if task.stage in stages]
        return sorted(found, key=lambda one: self._rank(one[0]))

    def children(self, step: str) -> list[Key]:
        """Return the items of a step that are under way."""
        return [key for key in self.tasks if key.step == step and key.item is not None]

    def launch(self, key: Key) -> None:
        """Start an action, or queue it where it may not start yet or there is no place."""
        if self._may_start():
            self._start(key)
        else:
            self.tasks[key] = Task(stage="queued")
            self.backlog = (*self.backlog, key)

    def feed(self) -> None:
        """Start what is queued, as far as there are places."""
        while self.backlog and self._may_start():
            key, self.backlog = self.backlog[0], self.backlog[1:]
            self._start(key)

    def change_undo(self, key: Key, **changes: Any) -> None:
        """Note something about the undo of a unit of work, where it has one."""
        at = self.undo_at(key)
        if at is not None:
            self.undos = (*self.undos[:at], replace(self.undos[at], **changes), *self.undos[at + 1 :])

    def forget_undo(self, key: Key) -> None:
        """Take back an undo whose action was never called."""
        at = self.undo_at(key)
        if at is not None and self.undos[at].starts == 1:
            self.undos = (*self.undos[:at], *self.undos[at + 1 :])

    def undo_at(self, key: Key) -> int | None:
        """Return where a unit of work's undo is; what is under way is near the end, so it is looked for from there."""
        if self.phase == "undoing":
            near = next((at for at in range(self.cursor, len(self.undos)) if self.undos[at].key == key), None)
            if near is not None:
                return near
        return next((at for at in range(len(self.undos) - 1, -1, -1) if self.undos[at].key == key), None)

    def _may_start(self) -> bool:
        if self.paused or self.phase != "forward":
            return False
        return sum(task.stage in _HOLDS_A_PLACE for task in self.tasks.values()) < self.plan.max_in_flight

    def _start(self, key: Key) -> None:
        step = self.plan.steps[key.step]
        self.tasks[key] = Task(stage="running")
        if key in self.repeated:
            self.repeated -= {key}
            at = self.undo_at(key)
            self.change_undo(key, starts=2 if at is None else self.undos[at].starts + 1)
        elif step.has_undo:
            self.undos = (*self.undos, UndoEntry(key=key))
        if step.is_noop:
            self.instant.append((key, Outcome(kind="succeeded")))
        else:
            self.emit(Run(key))

    def _rank(self, key: Key) -> tuple[int, int, int]:
        step = self.plan.steps.get(key.step)  # the run as a whole is none
        return (-1 if step is None else step.index, key.visit, -1 if key.item is None else key.item)
