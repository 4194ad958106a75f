"""Following a stream of events to its end, whatever becomes of the connection meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from flowforge.errors import FlowForgeError
from flowforge.remote.asking import Api, ServerEvent
from flowforge.remote.problems import ApiUnavailable, Unreachable

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 5.0
_TRIES: Final = 12
"""How often in a row the API may be away: for half a minute and more, longer than it takes to start again."""

AWAY: Final = (Unreachable, ApiUnavailable)
"""What tells that the API, or what it needs, is away for a while."""


class Patience:
    """Pauses between tries, each twice as long as the one before, at most 5 s; and an end to them."""

    def __init__(self) -> None:
        self._away = 0
        self._pause_s = _FIRST_S

    def answered(self, *, anew: bool = False) -> None:
        """Note that the API is there; `anew` that it also brought something new."""
        self._away = 0
        if anew:
            self._pause_s = _FIRST_S

    async def pause(self, away: FlowForgeError | None = None) -> None:
        """Pause before the next try.

        Args:
            away: why there was no answer, where there was none.

        Raises:
            FlowForgeError: `away`, for there was none too often in a row.
        """
        if away is not None:
            self._away += 1
            if self._away >= _TRIES:
                raise away
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_S)


async def follow(api: Api, *path: str, after: str | None = None) -> AsyncGenerator[ServerEvent, None]:
    """Yield the events of a stream to its end; one that is cut off is taken up again where it was.

    Args:
        api: where to ask.
        path: the stream's address.
        after: the last event that is known.

    Raises:
        Unreachable, ApiUnavailable: the API was away for longer than a restart takes.
        ApiError: it refuses.
    """
    last, patience = after, Patience()
    while True:
        away: FlowForgeError | None = None
        try:
            async with api.stream(*path, after=last) as stream, aclosing(stream) as events:
                patience.answered()
                async for event in events:
                    if event.event == "end":
                        return
                    patience.answered(anew=True)
                    last = event.id
                    yield event
        except AWAY as error:
            away = error
        await patience.pause(away)
