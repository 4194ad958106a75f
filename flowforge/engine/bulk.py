"""One action on many runs: each for itself, so that one that is refused keeps no other from it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flowforge.engine.control import RunControl
from flowforge.engine.data_checks import InputRefused
from flowforge.engine.gateway import RunGateway
from flowforge.engine.retries import RetryWish, RunRetries
from flowforge.errors import Conflict, FlowForgeError

BulkAction = Literal["pause", "resume", "cancel", "retry", "replay"]

_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOutcome:
    """What came of the action on one run.

    Attributes:
        execution_id: the run.
        error: why it was not done, None where it was accepted.
        started: the run that a replay has started.
    """

    execution_id: str
    error: FlowForgeError | None = None
    started: str | None = None


class BulkControl:
    """Does to many runs what `RunControl`, `RunRetries` and `RunGateway` do to one."""

    def __init__(self, control: RunControl, retries: RunRetries, runs: RunGateway) -> None:
        self._control = control
        self._retries = retries
        self._runs = runs

    async def act(
        self, action: BulkAction, execution_ids: Sequence[str], *, reason: str, request_id: str
    ) -> list[BulkOutcome]:
        """Do it, ten runs at a time; return what came of each, in the order of the ids.

        Args:
            action: what to do.
            execution_ids: to which runs.
            reason: why, for a cancellation.
            request_id: on whose behalf.
        """

        async def pause(execution: str) -> None:
            await self._control.pause(execution)

        async def resume(execution: str) -> None:
            await self._control.resume(execution, None)

        async def cancel(execution: str) -> None:
            await self._control.cancel(execution, reason)

        async def retry(execution: str) -> None:
            await self._retries.retry(execution, RetryWish(step=None, values={}, revision=None, request_id=request_id))

        async def replay(execution: str) -> str:
            return (await self._runs.replay(execution, key=None, request_id=request_id)).execution_id

        actions: Mapping[BulkAction, Callable[[str], Awaitable[str | None]]] = {
            "pause": pause,
            "resume": resume,
            "cancel": cancel,
            "retry": retry,
            "replay": replay,
        }
        act, places = actions[action], asyncio.Semaphore(_AT_ONCE)

        async def one(execution: str) -> BulkOutcome:
            async with places:
                try:
                    started = await act(execution)
                except FlowForgeError as error:
                    return BulkOutcome(execution_id=execution, error=error)
                except InputRefused as refused:
                    return BulkOutcome(execution_id=execution, error=Conflict(str(refused)))
            return BulkOutcome(execution_id=execution, started=started)

        return await asyncio.gather(*map(one, execution_ids))
