"""The undos of a saga: registered before the steps they undo, run in reverse, never stopped by one that fails.

An undo that fails for hours is tried for hours. Where undos do not depend on their order, the next one does not wait
that long.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from flowforge.durable.compensation import Compensation, CompensationStatus
from flowforge.durable.failures import attempts_of, message_of
from flowforge.durable.fence import Undone, WrittenOff
from flowforge.durable.runtime import Runtime


@dataclass(slots=True)
class RegisteredUndo:
    """One undo and what became of it.

    Attributes:
        perform: runs the undo; it may look here for the step's result and the attempts there have been.
        give_up: records that the undo is given up, from who and why; None where nothing needs to be recorded.
        result: its step's result, None while the step has not answered.
        write_off_asked: who gives it up and why, until that is recorded.
    """

    perform: "Callable[[RegisteredUndo], Awaitable[Any]]"
    view: Compensation
    give_up: "Callable[[RegisteredUndo, str, str], Awaitable[WrittenOff]] | None" = None
    result: Any = None
    retry_asked: bool = False
    write_off_asked: tuple[str, str] | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether it failed for good and nobody has given it up."""
        return self.view.status == "failed" and self.view.written_off is None

    @property
    def is_undecided(self) -> bool:
        """Whether it is stuck and an operator has yet to say what is to become of it."""
        return self.is_stuck and not self.is_decided

    @property
    def is_decided(self) -> bool:
        """Whether an operator has said what is to become of it."""
        return self.retry_asked or self.write_off_asked is not None


@dataclass(slots=True)
class Undos:
    """The undos of one saga, in the order in which their steps begin.

    Attributes:
        runtime: the saga's surroundings.
        changed: called whenever an undo's view changed.
        patience: how long an undo may keep the next one waiting; None until it has ended.
    """

    runtime: Runtime
    changed: Callable[[], None]
    patience: timedelta | None
    registered: list[RegisteredUndo] = field(default_factory=list)
    namesakes: Counter[str] = field(default_factory=Counter)

    def register(
        self,
        name: str,
        perform: Callable[[RegisteredUndo], Awaitable[Any]],
        give_up: Callable[[RegisteredUndo, str, str], Awaitable[WrittenOff]] | None = None,
    ) -> RegisteredUndo:
        """Add an undo; call it before its step begins. A name that is taken gets a number: `cancel_room 2`."""
        self.namesakes[name] += 1
        if self.namesakes[name] > 1:
            name = f"{name} {self.namesakes[name]}"
        undo = RegisteredUndo(perform, Compensation(name=name), give_up)
        self.registered.append(undo)
        return undo

    @property
    def compensations(self) -> tuple[Compensation, ...]:
        """The undos as people see them, in the order in which they run."""
        return tuple(undo.view for undo in reversed(self.registered))

    @property
    def undecided(self) -> tuple[str, ...]:
        """The names of the undos that wait for an operator."""
        return tuple(undo.view.name for undo in self.registered if undo.is_undecided)

    async def run(self, on_stuck: Callable[[], Awaitable[None]]) -> None:
        """Run every undo in reverse; where some fail for good, wait until an operator has decided on each.

        Args:
            on_stuck: called whenever all others are done and an operator is needed.
        """
        begun = []
        for undo in reversed(self.registered):
            begun.append(asyncio.create_task(self._perform(undo)))
            await self.runtime.wait_for(begun[-1], self.patience)
        await asyncio.gather(*begun)
        while any(undo.is_stuck for undo in self.registered):
            await on_stuck()
            await self.runtime.wait_until(self._is_decided)
            for undo in reversed(self.registered):
                if undo.retry_asked:
                    undo.retry_asked = False
                    await self._perform(undo)
                elif undo.write_off_asked is not None:
                    await self._give_up(undo, *undo.write_off_asked)

    def retry(self, name: str) -> None:
        """Have a stuck undo tried again.

        Raises:
            ValueError: no undo of this name is stuck.
        """
        self._stuck(name).retry_asked = True

    def write_off(self, name: str, *, by: str, reason: str) -> None:
        """Give a stuck undo up.

        Raises:
            ValueError: no undo of this name is stuck.
        """
        self._stuck(name).write_off_asked = (by, reason)

    def _stuck(self, name: str) -> RegisteredUndo:
        for undo in self.registered:
            if undo.view.name == name and undo.is_undecided:
                return undo
        raise ValueError(f"no undo {name!r} waits for an operator")

    def _is_decided(self) -> bool:
        return any(undo.is_decided for undo in self.registered)

    async def _perform(self, undo: RegisteredUndo) -> None:
        before = undo.view.attempts
        undo.view = replace(undo.view, status="running", error=None)
        self.changed()
        try:
            answer = await undo.perform(undo)
        except Exception as error:  # noqa: BLE001  not even a bug in one undo may keep the others from running
            attempts = attempts_of(error) or before + 1
            undo.view = replace(undo.view, status="failed", attempts=attempts, error=message_of(error))
        else:
            if isinstance(answer, Undone) and answer.status == "written_off":
                # As another run of this saga was told, perhaps one that is gone: nothing is left to decide.
                words = answer.written_off or "an operator"
                undo.view = replace(undo.view, status="failed", attempts=answer.attempts, written_off=words)
            elif isinstance(answer, Undone):
                status, attempts = ("completed" if answer.status == "undone" else "not_needed"), answer.attempts
                undo.view = replace(undo.view, status=status, attempts=attempts)  # type: ignore[arg-type]
            else:
                undo.view = replace(undo.view, status="completed", attempts=before + 1)
        self.changed()

    async def _give_up(self, undo: RegisteredUndo, by: str, reason: str) -> None:
        before = undo.view.attempts
        try:
            answer = WrittenOff(status="written_off", attempts=undo.view.attempts)
            if undo.give_up is not None:
                answer = await undo.give_up(undo, by, reason)
        except Exception as error:  # noqa: BLE001  as in _perform: the operator is asked again
            undo.view = replace(undo.view, attempts=attempts_of(error) or before + 1, error=message_of(error))
        else:
            if answer.status == "written_off":
                undo.view = replace(undo.view, written_off=f"{by}: {reason}")
            else:
                status: CompensationStatus = "completed" if answer.status == "undone" else "not_needed"
                undo.view = replace(undo.view, status=status, attempts=answer.attempts, error=None)
        undo.write_off_asked = None
        self.changed()
