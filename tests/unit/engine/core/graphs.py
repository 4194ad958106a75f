"""Random definitions and random histories: what a run is put through by chance."""

import random
from datetime import timedelta
from typing import Any

from flowforge.engine.core.commands import Cancel, Command, Decide, Finish, Run, StartTimer, StopTimer, Undo
from flowforge.engine.core.events import (
    CancelRequested,
    Compensate,
    DeadlinePassed,
    Decided,
    Event,
    EventArrived,
    ItemList,
    PauseRequested,
    Resumed,
    Retry,
    Settled,
    Suspended,
    TimerFired,
    UndoDelayed,
    UndoRetried,
    UndoSettled,
    UndoWrittenOff,
)
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, OutcomeKind, StepError, Wait
from flowforge.engine.definition.model import Definition

ERROR = StepError(code="no", message="no")


def random_definition(chance: random.Random) -> Definition:
    """Return a graph of up to twelve steps, or a state machine of up to six, with everything a step can have."""
    is_machine = chance.random() < 0.25
    count = chance.randint(1, 6 if is_machine else 12)
    ids = [f"s{n}" for n in range(count)]
    steps = [_step(chance, ids, index, is_machine=is_machine) for index in range(count)]
    chance.shuffle(steps)
    body: dict[str, Any] = {"id": "d", "steps": steps}
    if is_machine:
        body["initialStepId"] = "s0"
    if chance.random() < 0.25:
        body["failurePolicy"] = "hold"
    if chance.random() < 0.2:
        body["output"] = "${x}"
    return Definition.model_validate(body)


def _step(chance: random.Random, ids: list[str], index: int, *, is_machine: bool) -> dict[str, Any]:
    step: dict[str, Any] = {"id": ids[index], "action": chance.choice(["do"] * 6 + ["noop", "condition", "workflow"])}
    if chance.random() < 0.5:
        step["compensation"] = {"action": "undo"}
    if chance.random() < 0.25:
        step["condition"] = "x"
    if chance.random() < 0.15:
        step["wait"] = "1m"
    if chance.random() < 0.2:
        step["forEach"] = {"items": "${x}", "concurrency": chance.randint(1, 3)}
    step["onError"] = chance.choice(["fail", "fail", "retry", "continue", "branch"])
    later = ids if is_machine else ids[index + 1 :]
    if step["onError"] == "branch" and later:
        step["errorBranch"] = chance.choice(later)
    if is_machine:
        ends = [*ids, None]
        if chance.random() < 0.5:
            step["transitions"] = {"onSuccess": chance.choice(ends), "onFailure": chance.choice(ends)}
        else:
            step["transitions"] = [{"condition": "x", "to": chance.choice(ends)}, {"condition": "y", "to": None}]
    elif index:
        step["dependsOn"] = chance.sample(ids[:index], chance.randint(0, min(3, index)))
        step["join"] = chance.choice(["all", "all", "any"])
    return step


class Fate:
    """Answers commands by chance, in any order, and disturbs the run now and then.

    Attributes:
        trouble: how often something goes wrong, from 0 to 1.
    """

    def __init__(self, chance: random.Random, trouble: float) -> None:
        self.chance = chance
        self.trouble = trouble
        self._open: dict[tuple[type[Command], Key | None], Command] = {}

    def hear(self, commands: tuple[Command, ...]) -> None:
        """Take note of what is asked for."""
        for command in commands:
            match command:
                case StopTimer(key):
                    self._open.pop((StartTimer, key))
                case Cancel() | Finish():
                    pass
                case _:
                    name = (type(command), command.key)
                    # A question of which nobody wants the answer any more may be asked again.
                    assert isinstance(command, Decide) or name not in self._open, f"{command} twice"
                    self._open[name] = command

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked for."""
        return not self._open

    def next_event(self) -> Event:
        """Return what happens next."""
        if self.chance.random() < self.trouble / 4:
            return self._disturbance()
        if self.is_idle:
            return self.chance.choice([Resumed(), EventArrived("go", 1), Compensate(), Retry(), *self._operator()])
        name = self.chance.choice(list(self._open))
        command = self._open[name]
        if isinstance(command, Undo) and self.chance.random() < self.trouble / 4:
            return UndoDelayed(command.key)
        del self._open[name]
        return self._answer(command)

    def _answer(self, command: Command) -> Event:
        match command:
            case Decide(key, question):
                count = self.chance.randint(0, 4)
                answers = {
                    "condition": self.chance.random() < 0.7,
                    "items": ItemList(count=count, value=list(range(count))),
                    "transition": self.chance.choice([0, 1, 1, None] if self._goes_wrong() else [0, 1, 1]),
                    "output": 1,
                }
                return Decided(key=key, question=question, answer=answers[question], error=self._error())
            case StartTimer(key):
                return TimerFired(key)
            case Undo(key):
                return UndoSettled(key=key, status="failed" if self._goes_wrong() else "done")
            case Run(key):
                return self._end_of(key)
        raise AssertionError(command)

    def _end_of(self, key: Key) -> Event:
        if self.chance.random() < 0.1:
            wait = Wait(
                event=self.chance.choice([None, "go"]), timeout=self.chance.choice([None, timedelta(minutes=1)])
            )
            return Suspended(key, wait)
        if not self._goes_wrong():
            return Settled(key, Outcome(kind="succeeded", result=self.chance.choice([True, False, {"n": 1}])))
        kind: OutcomeKind = self.chance.choice(["refused", "failed", "timed_out", "cancelled"])
        return Settled(key, Outcome(kind=kind, error=ERROR, began=kind == "cancelled" or self.chance.random() < 0.8))

    def _goes_wrong(self) -> bool:
        return self.chance.random() < self.trouble

    def _error(self) -> StepError | None:
        return ERROR if self.chance.random() < self.trouble / 3 else None

    def _disturbance(self) -> Event:
        nobody = Key(f"s{self.chance.randint(0, 20)}", 7)
        return self.chance.choice(
            [
                PauseRequested(),
                Resumed(),
                CancelRequested(),
                DeadlinePassed(),
                EventArrived("go", 2),
                Settled(nobody, Outcome(kind="succeeded")),
                TimerFired(nobody),
                UndoSettled(key=nobody, status="failed"),
                *self._operator(),
            ]
        )

    def _operator(self) -> list[Event]:
        step = f"s{self.chance.randint(0, 11)}"
        return [UndoRetried(step), UndoWrittenOff(step=step, by="ann", reason="gone")]
