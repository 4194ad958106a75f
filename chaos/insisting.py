"""Asks again where no answer was to be had, as a client does that is told 503."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from temporalio.service import RPCError

from flowforge.errors import Fault

_PAUSE_S: Final = 0.25


@dataclass(kw_only=True)
class Insisting:
    """Whoever asks until there is an answer.

    Attributes:
        retried: how many answers were not to be had at first.
    """

    retried: int = 0

    async def until_answered(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until there is an answer; what is no fault is raised."""
        while True:
            try:
                return await ask()
            except (Fault, RPCError):
                self.retried += 1
                await asyncio.sleep(_PAUSE_S)
