"""Heartbeats for every activity that Temporal expects them of: how soon it sees that a worker is dead.

An attempt through the task queue whose worker was killed is given to another one when it has been silent for its
heartbeat timeout, long before the whole attempt times out. Heartbeats also bring a cancellation to a running attempt.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_LONGEST_PAUSE: Final = timedelta(seconds=1)


class Heartbeats(Interceptor):
    """Beats for each attempt that has a heartbeat timeout, and lasts long enough to need it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- theirs
        """Put the beating around an attempt."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        silence = activity.info().heartbeat_timeout
        if not silence:  # none is asked for; the SDK says so with a zero, too
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(min(silence / 4, _LONGEST_PAUSE)))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat(pause: timedelta) -> None:
    """Beat after each pause: an attempt that ends at once costs none. The SDK sends only as many as are needed."""
    while True:
        await asyncio.sleep(pause.total_seconds())
        activity.heartbeat()
