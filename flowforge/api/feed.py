"""The events of orders and of runs as they happen: however many watch one, one poller reads it."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final, Protocol

import structlog

from flowforge.errors import Fault

_ID: Final = attrgetter("id")


class EventSource(Protocol):
    """Where the feed reads."""

    async def progress(self, name: str, /, *, after: int) -> tuple[str | None, Sequence[Any]]:
        """Return a status, None before the row is written, and the events with larger ids than `after`.

        Both are of one moment: when the status is final, the events are all there will be.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...


class _Channel:
    """What one poller has read, and who waits for more."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.status: str | None = None
        self.closed = False
        self.watchers = 0
        self.poller: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def publish(self, status: str | None, events: Sequence[Any]) -> None:
        self.status = status
        self.events.extend(events)
        self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        # Each round has an event of its own, so that no watcher can miss one or clear another's.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self) -> None:
        await self._changed.wait()


class Watch:
    """One watcher's place in the events of an order or a run."""

    def __init__(self, channel: _Channel, after: int, ended: Collection[str]) -> None:
        self._channel = channel
        self._after = after
        self._ended = ended

    @property
    def status(self) -> str | None:
        """The status as last read; None before the row is written."""
        return self._channel.status

    @property
    def has_ended(self) -> bool:
        """Whether the status is one after which no more events come."""
        return self._channel.status in self._ended

    @property
    def over(self) -> bool:
        """Whether no more events will come: what is watched has ended, or the feed was closed."""
        return self._channel.closed and not self._fresh()

    async def next(self, patience: timedelta) -> Sequence[Any]:
        """Return the events since the last call, waiting for some as long as `patience`; empty when none came."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                while not (fresh := self._fresh()) and not self._channel.closed:
                    await self._channel.change()
        except TimeoutError:
            return ()
        if fresh:
            self._after = fresh[-1].id
        return fresh

    def _fresh(self) -> Sequence[Any]:
        events = self._channel.events
        return events[bisect_right(events, self._after, key=_ID) :]


class Feed:
    """Live events of orders, or of runs, read from the rows that their transactions write.

    Args:
        source: where they are read.
        ended: the statuses after which no more events come.
        logged_as: the key under which log lines name what is watched, for example `order_id`.
        quickest: the pause between two reads of what is moving.
        slowest: the pause that the reads of what is quiet grow to, doubling.
    """

    def __init__(
        self,
        source: EventSource,
        *,
        ended: Collection[str],
        logged_as: str,
        quickest: timedelta = timedelta(milliseconds=50),
        slowest: timedelta = timedelta(seconds=1),
    ) -> None:
        self._source = source
        self._ended = ended
        self._logged_as = logged_as
        self._quickest_s = quickest.total_seconds()
        self._slowest_s = slowest.total_seconds()
        self._channels: dict[str, _Channel] = {}
        self._closed = False
        self._log: Any = structlog.get_logger(__name__)

    @property
    def pollers(self) -> int:
        """How many are being read."""
        return len(self._channels)

    def watchers(self, name: str) -> int:
        """Return how many watch one."""
        channel = self._channels.get(name)
        return 0 if channel is None else channel.watchers

    @asynccontextmanager
    async def watch(self, name: str, *, after: int = 0) -> AsyncIterator[Watch]:
        """Watch one order or run; the poller starts with the first watcher and ends with the last.

        Args:
            name: its id, as the source knows it.
            after: the id of the last event that the watcher knows; 0 for none.
        """
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel()
            if self._closed:
                channel.close()
            else:
                channel.poller = asyncio.create_task(self._poll(name, channel), name=f"feed {name}")
                channel.poller.add_done_callback(self._tell_if_broken)
        channel.watchers += 1
        try:
            yield Watch(channel, after, self._ended)
        finally:
            channel.watchers -= 1
            if not channel.watchers:
                del self._channels[name]
                if channel.poller is not None:
                    channel.poller.cancel()

    def close(self) -> None:
        """End every watch, so that a server can drain; watchers come again elsewhere, from where they were."""
        self._closed = True
        for channel in self._channels.values():
            if channel.poller is not None:
                channel.poller.cancel()
            channel.close()

    async def _poll(self, name: str, channel: _Channel) -> None:
        pause_s = self._quickest_s
        try:
            while channel.status not in self._ended:
                after = channel.events[-1].id if channel.events else 0
                try:
                    status, events = await self._source.progress(name, after=after)
                except Fault as fault:
                    self._log.warning("events cannot be read", **{self._logged_as: name}, reason=fault.message)
                    pause_s = self._slowest_s
                else:
                    moved = bool(events) or status != channel.status
                    if moved:
                        channel.publish(status, events)
                    pause_s = self._quickest_s if moved else min(pause_s * 2, self._slowest_s)
                if channel.status not in self._ended:
                    await asyncio.sleep(pause_s)
        finally:
            # Watchers would wait for ever for a poller that is gone; let go, they come again.
            channel.close()

    def _tell_if_broken(self, poller: asyncio.Task[None]) -> None:
        if not poller.cancelled() and (error := poller.exception()) is not None:
            self._log.error("reading events broke", poller=poller.get_name(), exc_info=error)
