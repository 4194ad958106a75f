"""An order's events as they happen: however many watch one order, one poller reads it."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from operator import attrgetter
from typing import Any, Final, Protocol

import structlog

from flowforge.errors import Fault
from flowforge.orders.records import CLOSED

_ID: Final = attrgetter("id")


class EventSource(Protocol):
    """Where the feed reads."""

    async def progress(self, order_id: str, *, after: int) -> tuple[str | None, Sequence[Any]]:
        """Return an order's status, None before its row is written, and its events with larger ids than `after`.

        Both are of one moment: when the status is final, the events are all there will be.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...


class _Channel:
    """What one poller has read of one order, and who waits for more."""

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
    """One watcher's place in an order's events."""

    def __init__(self, channel: _Channel, after: int) -> None:
        self._channel = channel
        self._after = after

    @property
    def status(self) -> str | None:
        """The order's status as last read; None before its row is written."""
        return self._channel.status

    @property
    def over(self) -> bool:
        """Whether no more events will come: the order has ended, or the feed was closed."""
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


class OrderFeed:
    """Live events of orders, or of whatever else has some, read from the rows that the sagas' transactions write.

    Args:
        source: where the orders are read.
        quickest: the pause between two reads of an order that is moving.
        slowest: the pause that a quiet order's reads grow to, doubling.
        closed: the statuses after which no more events come.
    """

    def __init__(
        self,
        source: EventSource,
        *,
        quickest: timedelta = timedelta(milliseconds=50),
        slowest: timedelta = timedelta(seconds=1),
        closed: Collection[str] = CLOSED,
    ) -> None:
        self._source = source
        self._closed_statuses = closed
        self._quickest_s = quickest.total_seconds()
        self._slowest_s = slowest.total_seconds()
        self._channels: dict[str, _Channel] = {}
        self._closed = False
        self._log: Any = structlog.get_logger(__name__)

    @property
    def pollers(self) -> int:
        """How many orders are being read."""
        return len(self._channels)

    def watchers(self, order_id: str) -> int:
        """Return how many watch an order."""
        channel = self._channels.get(order_id)
        return 0 if channel is None else channel.watchers

    @asynccontextmanager
    async def watch(self, order_id: str, *, after: int = 0) -> AsyncIterator[Watch]:
        """Watch one order; the poller starts with the first watcher and ends with the last.

        Args:
            order_id: the order.
            after: the id of the last event that the watcher knows; 0 for none.
        """
        channel = self._channels.get(order_id)
        if channel is None:
            channel = self._channels[order_id] = _Channel()
            if self._closed:
                channel.close()
            else:
                channel.poller = asyncio.create_task(self._poll(order_id, channel), name=f"feed {order_id}")
                channel.poller.add_done_callback(self._ended)
        channel.watchers += 1
        try:
            yield Watch(channel, after)
        finally:
            channel.watchers -= 1
            if not channel.watchers:
                del self._channels[order_id]
                if channel.poller is not None:
                    channel.poller.cancel()

    def close(self) -> None:
        """End every watch, so that a server can drain; watchers come again elsewhere, from where they were."""
        self._closed = True
        for channel in self._channels.values():
            if channel.poller is not None:
                channel.poller.cancel()
            channel.close()

    async def _poll(self, order_id: str, channel: _Channel) -> None:
        pause_s = self._quickest_s
        try:
            while channel.status not in self._closed_statuses:
                after = channel.events[-1].id if channel.events else 0
                try:
                    status, events = await self._source.progress(order_id, after=after)
                except Fault as fault:
                    self._log.warning("events cannot be read", order_id=order_id, reason=fault.message)
                    pause_s = self._slowest_s
                else:
                    moved = bool(events) or status != channel.status
                    if moved:
                        channel.publish(status, events)
                    pause_s = self._quickest_s if moved else min(pause_s * 2, self._slowest_s)
                if channel.status not in self._closed_statuses:
                    await asyncio.sleep(pause_s)
        finally:
            # Watchers would wait for ever for a poller that is gone; let go, they come again.
            channel.close()

    def _ended(self, poller: asyncio.Task[None]) -> None:
        if not poller.cancelled() and (error := poller.exception()) is not None:
            self._log.error("reading an order's events broke", poller=poller.get_name(), exc_info=error)
