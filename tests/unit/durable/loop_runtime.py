"""A saga's surroundings on a plain event loop: what Temporal does, without a server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError

from flowforge.durable.placement import ActivityRef, Placement
from flowforge.durable.policies import Policy

Behaviour = Callable[[Any], Awaitable[Any]]


def refusal(code: str, attempt: int = 1) -> ApplicationError:
    """Return what an activity that refuses raises in a workflow."""
    return ApplicationError(f"refused: {code}", {"attempt": attempt}, type=code, non_retryable=True)


class LoopRuntime:
    """Runs activities as the test scripts them, by name, and keeps a list of what ran.

    Attributes:
        calls: the activities in the order in which they began.
        requests: what each got, in the same order.
        sleeps: how long the saga's timer was to sleep, each time that it was set.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.requests: list[Any] = []
        self.sleeps: list[timedelta] = []
        self.cancelled = False
        self._behaviours: dict[str, list[Behaviour]] = {}
        self._deadline = asyncio.Event()
        self._poked = asyncio.Event()
        self._impatient = asyncio.Event()

    def script(self, name: str, *behaviours: Behaviour) -> None:
        """Say what an activity does at its first, second, … run; afterwards it answers with its own name."""
        self._behaviours[name] = list(behaviours)

    def cancel(self, run: "asyncio.Task[Any]") -> None:
        """Cancel the run as Temporal does: as a state, and as an exception in its main task."""
        self.cancelled = True
        run.cancel()

    def pass_deadline(self) -> None:
        """Let the saga's timer fire."""
        self._deadline.set()

    def rewind_deadline(self) -> None:
        """Let the next timer wait again."""
        self._deadline.clear()

    def poke(self) -> None:
        """Have conditions looked at again."""
        self._poked.set()

    async def run_fenced(
        self,
        activity: ActivityRef,
        request: Callable[[int], Any],
        *,
        placement: Placement,
        policy: Policy,
        summary: str,
    ) -> Any:
        return await self._run(activity, request(1))

    async def run_unfenced(
        self, activity: ActivityRef, request: Any, *, policy: Policy, summary: str, task_queue: str | None
    ) -> Any:
        return await self._run(activity, request)

    async def sleep(self, duration: timedelta, *, summary: str) -> None:
        self.sleeps.append(duration)
        await self._deadline.wait()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._poked.clear()
            await self._poked.wait()

    async def wait_for(self, task: "asyncio.Task[Any]", at_most: timedelta | None) -> None:
        impatience = asyncio.create_task(self._impatient.wait())
        await asyncio.wait([task] if at_most is None else [task, impatience], return_when=asyncio.FIRST_COMPLETED)
        impatience.cancel()

    def lose_patience(self) -> None:
        """Let the time be over that an undo may keep the next one waiting."""
        self._impatient.set()

    def is_cancelled(self) -> bool:
        return self.cancelled

    def ends_run(self, error: BaseException) -> bool:
        return isinstance(error, (FailureError, TimeoutError, asyncio.CancelledError))

    async def _run(self, ref: ActivityRef, request: Any) -> Any:
        name = ref if isinstance(ref, str) else activity._Definition.must_from_callable(ref).name or ""
        self.calls.append(name)
        self.requests.append(request)
        behaviours = self._behaviours.get(name)
        if behaviours:
            return await behaviours.pop(0)(request)
        return name
