"""A run by hand: a test says what comes of each command, by the name of its unit of work."""

from collections.abc import Collection
from typing import Any

from flowforge.engine.core.commands import Cancel, Command, Decide, Finish, Run, StartTimer, StopTimer, Undo
from flowforge.engine.core.events import Begin, Decided, Event, ItemList, Settled, Suspended, TimerFired, UndoSettled
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError, Wait
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.definition.model import Definition

UNDO = {"action": "undo"}


def step(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    """Return a step of a graph that follows others; its action is called like it."""
    return {"id": name, "action": keys.pop("action", f"do-{name}"), "dependsOn": list(after), **keys}


def names(commands: list[Command], kind: type[Run | Undo | Cancel | StartTimer | StopTimer]) -> list[str]:
    """Return the units of work of one kind of command, in order."""
    return [str(command.key) for command in commands if isinstance(command, kind)]


def plan(
    *steps: dict[str, Any],
    limits: dict[str, int] | None = None,
    free: Collection[str] = (),
    unseen: Collection[str] = (),
    **body: Any,
) -> Plan:
    """Return the plan of a definition; steps in `free` change nothing in the world, those in `unseen` may begin so."""
    definition = Definition.model_validate({"id": "d", "steps": list(steps), **body})
    found: dict[str, Any] = limits or {}
    return Plan.of(definition, effect_free=free, unseen=unseen, **found)


class Walk:
    """A run, and everything it has asked for."""

    def __init__(
        self,
        *steps: dict[str, Any],
        limits: dict[str, int] | None = None,
        free: Collection[str] = (),
        unseen: Collection[str] = (),
        **body: Any,
    ) -> None:
        self.plan = plan(*steps, limits=limits, free=free, unseen=unseen, **body)
        self.state = State()
        self.commands: list[Command] = []
        self.latest: list[Command] = []
        self.send(Begin())

    def send(self, event: Event) -> "Walk":
        self.state, commands = advance(self.plan, self.state, event)
        self.latest = list(commands)
        self.commands.extend(commands)
        return self

    def ok(self, name: str, result: Any = None) -> "Walk":
        return self.send(Settled(self.key(name), Outcome(kind="succeeded", result=result)))

    def bad(self, name: str, kind: Any = "failed", *, began: bool = True) -> "Walk":
        error = StepError(code=f"{kind}_{name}", message="no")
        return self.send(Settled(self.key(name), Outcome(kind=kind, error=error, began=began)))

    def suspend(self, name: str, **wait: Any) -> "Walk":
        return self.send(Suspended(self.key(name), Wait(**wait)))

    def fire(self, name: str) -> "Walk":
        return self.send(TimerFired(self.key(name)))

    def answer(self, name: str | None, question: Any, answer: Any = None, error: str | None = None) -> "Walk":
        key = None if name is None else self.key(name)
        problem = None if error is None else StepError(code=error, message="no")
        return self.send(Decided(key=key, question=question, answer=answer, error=problem))

    def items(self, name: str, *values: Any) -> "Walk":
        return self.answer(name, "items", ItemList(count=len(values), value=list(values)))

    def undone(self, name: str, status: Any = "done") -> "Walk":
        error = StepError(code="stuck", message="no") if status == "failed" else None
        return self.send(UndoSettled(key=self.key(name), status=status, error=error))

    def key(self, name: str) -> Key:
        return next(key for key in self.state.tasks if str(key) == name)

    @property
    def started(self) -> list[str]:
        return names(self.commands, Run)

    @property
    def undos(self) -> list[str]:
        return names(self.commands, Undo)

    @property
    def asked(self) -> list[tuple[str | None, str]]:
        return [
            (None if command.key is None else str(command.key), command.question)
            for command in self.latest
            if isinstance(command, Decide)
        ]

    @property
    def ends(self) -> list[str]:
        return [command.end for command in self.commands if isinstance(command, Finish)]

    def status_of(self, name: str) -> str | None:
        found = self.state.steps.get(name)
        return None if found is None else found.status
