"""The deadline of a run: a workflow timer that stands still while the run is paused or held."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State

_AT_ONCE = timedelta(milliseconds=1)


class Clock:
    """Measures the time that a run goes forward.

    Args:
        left: how much of it there is; None for no end.
        expire: called when it is over, once.
    """

    def __init__(self, left: timedelta | None, expire: Callable[[], None]) -> None:
        self._left = left
        self._expire = expire
        self._timer: asyncio.Task[None] | None = None
        self._since: datetime | None = None

    @property
    def has_end(self) -> bool:
        """Whether the run has a deadline."""
        return self._left is not None

    def left(self) -> timedelta | None:
        """Return how much time there is left; None for no end."""
        if self._left is None or self._timer is None or self._since is None:
            return self._left
        return max(self._left - (workflow.now() - self._since), _AT_ONCE)

    def follow(self, state: State) -> None:
        """Let time pass while the run goes forward, and stand still while it does not."""
        runs = state.phase == "forward" and not state.paused
        if self._left is None or runs == (self._timer is not None):
            return
        if self._timer is None:
            self._since = workflow.now()
            self._timer = asyncio.create_task(self._run(max(self._left, _AT_ONCE)))
            return
        self._timer.cancel()
        self._timer = None
        if self._since is not None:
            self._left = max(self._left - (workflow.now() - self._since), _AT_ONCE)

    async def _run(self, left: timedelta) -> None:
        await workflow.sleep(left, summary="deadline")
        self._expire()


def time_left(request: RunRequest, plan: Plan) -> timedelta | None:
    """Return what is left of the run's time: it counts from when the run was accepted, or begins again."""
    if request.carried is not None and (request.retry is None or request.carried.time_left_s is not None):
        left = request.carried.time_left_s
        return None if left is None else timedelta(seconds=left)
    limit = plan.definition.timeout if request.timeout_s is None else timedelta(seconds=request.timeout_s)
    if limit is None:
        return None
    if request.retry is not None:
        return limit
    return datetime.fromisoformat(request.accepted_at) + limit - workflow.now()
