"""The feed over a source that the test moves by hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from flowforge.api.feed import Feed
from flowforge.errors import DatabaseUnavailable
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import CLOSED, OrderEvent

LONG = timedelta(seconds=30)


def event(number: int) -> OrderEvent:
    """Return an event."""
    return OrderEvent(id=number, step="step", status="started", message="", timestamp=datetime.now(UTC))


@dataclass
class Source:
    """Orders in memory; `broken` makes the next reads fail, one each."""

    status: OrderStatus | None = "running"
    events: list[OrderEvent] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)
    reads: int = 0

    async def progress(self, order_id: str, *, after: int) -> tuple[OrderStatus | None, Sequence[OrderEvent]]:
        """Read the order."""
        del order_id
        self.reads += 1
        if self.broken:
            raise self.broken.pop()
        return self.status, [each for each in self.events if each.id > after]


def feed_of(source: Source) -> Feed:
    """Return a feed that polls quickly."""
    return Feed(
        source,
        ended=CLOSED,
        logged_as="order_id",
        quickest=timedelta(milliseconds=1),
        slowest=timedelta(milliseconds=4),
    )


async def test_watchers_that_come_later_get_what_was_before_them() -> None:
    source = Source(events=[event(1), event(2)])
    feed = feed_of(source)
    async with feed.watch("ord_1") as early, feed.watch("ord_1", after=1) as late:
        assert [each.id for each in await early.next(LONG)] == [1, 2]
        assert [each.id for each in await late.next(LONG)] == [2]
        async with feed.watch("ord_1") as last:
            assert [each.id for each in await last.next(LONG)] == [1, 2]
        source.events.append(event(3))
        assert [each.id for each in await early.next(LONG)] == [3]
        assert feed.pollers == 1
    assert feed.pollers == 0


async def test_a_silence_ends_with_patience() -> None:
    feed = feed_of(Source())
    async with feed.watch("ord_1") as watch:
        assert await watch.next(timedelta(milliseconds=5)) == ()
        assert not watch.over


async def test_an_order_without_a_row_is_waited_for() -> None:
    source = Source(status=None)
    feed = feed_of(source)
    async with feed.watch("ord_1") as watch:
        assert await watch.next(timedelta(milliseconds=5)) == ()
        source.events, source.status = [event(1)], "completed"
        assert [each.id for each in await watch.next(LONG)] == [1]
        assert watch.over
        assert (watch.status, watch.has_ended) == ("completed", True)


async def test_an_end_without_new_events_ends_the_watch() -> None:
    source = Source(events=[event(1)])
    feed = feed_of(source)
    async with feed.watch("ord_1", after=1) as watch:
        source.status = "failed"
        assert await watch.next(LONG) == []
        assert watch.over


async def test_needs_attention_is_no_end() -> None:
    source = Source(events=[event(1)], status="needs_attention")
    feed = feed_of(source)
    async with feed.watch("ord_1") as watch:
        await watch.next(LONG)
        assert await watch.next(timedelta(milliseconds=5)) == ()
        assert not watch.over


async def test_a_database_that_was_away_is_read_again() -> None:
    source = Source(events=[event(1)], broken=[DatabaseUnavailable("away"), DatabaseUnavailable("away")])
    feed = feed_of(source)
    async with feed.watch("ord_1") as watch:
        assert [each.id for each in await watch.next(LONG)] == [1]


async def test_what_cannot_be_read_is_logged_under_the_name_that_it_has() -> None:
    source = Source(events=[event(1)], broken=[DatabaseUnavailable("away")])
    feed = Feed(source, ended={"completed"}, logged_as="execution_id", slowest=timedelta(milliseconds=1))
    with capture_logs() as lines:
        async with feed.watch("exec-1") as watch:
            assert [each.id for each in await watch.next(LONG)] == [1]
    assert [(line["execution_id"], line["reason"]) for line in lines] == [("exec-1", "away")]


async def test_a_poller_that_breaks_lets_its_watchers_go() -> None:
    feed = feed_of(Source(broken=[ZeroDivisionError()]))
    async with feed.watch("ord_1") as watch:
        assert await watch.next(LONG) == []
        assert watch.over
        assert not watch.has_ended


async def test_a_closed_feed_lets_everyone_go_and_reads_no_more() -> None:
    source = Source()
    feed = feed_of(source)
    async with feed.watch("ord_1") as watch:
        waiting = asyncio.create_task(watch.next(LONG))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting == []
    reads = source.reads
    async with feed.watch("ord_2") as watch:
        assert watch.over
    assert source.reads == reads


async def test_an_order_is_read_no_more_once_nobody_watches() -> None:
    source = Source()
    feed = feed_of(source)
    async with feed.watch("ord_1") as watch:
        await watch.next(timedelta(milliseconds=5))
        (poller,) = [task for task in asyncio.all_tasks() if task.get_name() == "feed ord_1"]
    await asyncio.wait({poller})
    assert poller.cancelled()
