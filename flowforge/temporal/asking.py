"""Asks something of one workflow that may be gone."""

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from flowforge.temporal.client import absence_as_fault


async def unless_gone(call: Callable[[], Awaitable[Any]]) -> Any:
    """Return what Temporal answers, or None where it knows no such run, or only one that has ended.

    Raises:
        TemporalUnavailable: it is away, or cannot bring it to the run now.
        RPCError: it answered something else.
    """
    try:
        with absence_as_fault():
            return await call()
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
            return None
        raise
