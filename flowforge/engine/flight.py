"""What a run has in flight in its workflow: steps, undos and timers, each a task whose end is an event."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow

from flowforge.engine.core.events import Event, Settled, TimerFired, UndoDelayed
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome

_Work = Coroutine[Any, Any, Event]


class Flight:
    """The tasks of one run.

    Args:
        tell: told of each end.

    Attributes:
        bug: what went wrong in one of them that is no outcome of a step; the whole run's.
    """

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self.bug: BaseException | None = None
        self._tell = tell
        self._steps: dict[Key, asyncio.Task[Event]] = {}
        self._undos: dict[Key, asyncio.Task[Event]] = {}
        self._decisions: set[asyncio.Task[Event]] = set()
        self._timers: dict[Key, asyncio.Task[Event]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no step, no undo and no question is under way; timers may be."""
        return not self._steps and not self._undos and not self._decisions

    def begin(self, key: Key, work: _Work) -> None:
        """Run a step."""
        self._steps[key] = self._follow(key, work)

    def cancel(self, key: Key) -> None:
        """Cancel a step; of one that has ended that is told already."""
        if key in self._steps:
            self._steps[key].cancel()

    def decide(self, key: Key, work: _Work) -> None:
        """Have a question answered; nobody stops that: an answer that comes too late is not heard."""
        deciding = self._follow(key, work)
        self._decisions.add(deciding)
        deciding.add_done_callback(self._decisions.discard)

    def undo(self, key: Key, work: _Work, patience: timedelta | None, name: str) -> None:
        """Run an undo, by its name; tell when it takes longer than there is patience for while others wait for it."""
        undoing = self._follow(key, work)
        self._undos[key] = undoing
        if patience is not None:
            waiting = self._follow(key, _lose_patience(key, patience, name))
            undoing.add_done_callback(lambda _: waiting.cancel())

    def start_timer(self, key: Key, length: timedelta, name: str) -> None:
        """Tell after this time that it has passed; `name` is what Temporal's UI calls who waits."""
        self._timers[key] = self._follow(key, _fire(key, length, name))

    def stop_timer(self, key: Key) -> None:
        """Tell nothing of it."""
        if key in self._timers:
            self._timers.pop(key).cancel()

    def _follow(self, key: Key, work: _Work) -> "asyncio.Task[Event]":
        task = asyncio.create_task(work)

        def ended(task: "asyncio.Task[Event]") -> None:
            if self._undos.get(key) is task:
                del self._undos[key]
            if self._steps.get(key) is task:
                del self._steps[key]
                if task.cancelled():
                    self._tell(Settled(key, Outcome(kind="cancelled")))
            if task.cancelled():
                return
            error = task.exception()
            if error is None:
                self._tell(task.result())
            else:
                self.bug = error

        task.add_done_callback(ended)
        return task


async def _fire(key: Key, length: timedelta, name: str) -> Event:
    if length > timedelta():
        await workflow.sleep(length, summary=f"{name} waits")
    return TimerFired(key)


async def _lose_patience(key: Key, patience: timedelta, name: str) -> Event:
    await workflow.sleep(patience, summary=f"the next waits for undo {name}")
    return UndoDelayed(key)
