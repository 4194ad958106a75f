"""Being asked to stop: by Ctrl-C, by SIGTERM, by whoever set the event."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class StoppedError(Exception):
    """Somebody asked the process to stop while it was doing something that can be abandoned."""


class Stop:
    """The wish that the process stop. It comes at most once and is never taken back."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ask for the stop."""
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether it was asked for."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Wait until it is asked for."""
        await self._asked.wait()

    async def or_done(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do `work`, but abandon it (cancel it, and wait for its cleaning up) when the stop is asked for.

        Raises:
            StoppedError: the stop came first.
        """
        working = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise StoppedError
        finally:
            asked.cancel()
            if not working.done():
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working
