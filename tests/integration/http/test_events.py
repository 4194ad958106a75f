"""An order's events over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2
import pytest

from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import OrderEvent
from tests.integration.http.conftest import Api
from tests.integration.http.served import served


@dataclass
class Frame:
    """One server-sent event."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, object]:
        """Its data."""
        data: dict[str, object] = json.loads(self.fields["data"])
        return data


async def frames(response: httpx2.Response) -> AsyncIterator[Frame]:
    """Read an event stream as browsers do; comments come as frames with an empty field name."""
    frame = Frame()
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            frame.fields[name] = value.removeprefix(" ")
        elif frame.fields:
            yield frame
            frame = Frame()


@pytest.fixture
async def http(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application behind a real socket."""
    limits = httpx2.Limits(max_connections=100)
    async with (
        served(api.app) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits) as client,
    ):
        yield client
        api.feed.close()  # as a server does that drains


async def collect(http: httpx2.AsyncClient, name: str, last: int | None = None) -> list[Frame]:
    """Return a stream's frames but the heartbeats, once it has ended."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with http.stream("GET", f"/orders/{name}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [frame async for frame in frames(response) if "data" in frame.fields]


async def test_events_of_an_ended_order_come_with_ids_and_an_end(api: Api, http: httpx2.AsyncClient) -> None:
    order_id = await api.order()
    *events, end = await collect(http, order_id)
    state = (await http.get(f"/orders/{order_id}")).json()
    assert [frame.data for frame in events] == state["events"]
    assert [frame.fields["id"] for frame in events] == [str(event["id"]) for event in state["events"]]
    assert (end.fields["event"], end.data) == ("end", {"status": "completed"})
    assert "id" not in end.fields


async def test_events_come_while_the_order_moves(api: Api, http: httpx2.AsyncClient) -> None:
    api.orders.held = True
    order_id = await api.order(workflow_id="mine")
    async with http.stream("GET", "/orders/mine/events") as response:
        coming = frames(response)
        first = await anext(frame async for frame in coming if "data" in frame.fields)
        assert first.data["step"] == "check_inventory"
        await api.orders.release(order_id)
        rest = [frame async for frame in coming if "data" in frame.fields]
    assert rest[-1].fields["event"] == "end"
    assert {"update_warehouse"} <= {frame.data.get("step") for frame in rest}


async def test_a_watcher_goes_on_after_the_last_event_it_knows(api: Api, http: httpx2.AsyncClient) -> None:
    order_id = await api.order()
    whole = await collect(http, order_id)
    assert await collect(http, order_id, last=0) == whole
    assert await collect(http, order_id, last=3) == whole[3:]


async def test_a_watcher_that_knows_all_of_an_ended_order_is_told_not_to_come_again(
    api: Api, http: httpx2.AsyncClient
) -> None:
    order_id = await api.order()
    last = (await collect(http, order_id))[-2].fields["id"]
    for known in (last, "999999"):
        response = await http.get(f"/orders/{order_id}/events", headers={"Last-Event-ID": known})
        assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("known", ["-1", "one", "1.0", "", "9" * 400, "²"])
async def test_a_last_event_id_that_is_none_is_400(api: Api, known: str) -> None:
    order_id = await api.order()
    response = await api.http.get(f"/orders/{order_id}/events", headers=[(b"Last-Event-ID", known.encode("latin-1"))])
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


async def test_a_quiet_order_s_stream_has_heartbeats(api: Api, http: httpx2.AsyncClient) -> None:
    api.orders.held = True
    order_id = await api.order()
    beats = 0
    async with http.stream("GET", f"/orders/{order_id}/events") as response:
        async for frame in frames(response):
            beats += frame.fields.get("") == "heartbeat"
            if beats == 3:
                break
    assert beats == 3


async def test_fifty_watchers_of_one_order_have_one_poller(api: Api, http: httpx2.AsyncClient) -> None:
    api.orders.held = True
    order_id = await api.order()
    reads = _count_reads(api)
    async with AsyncExitStack() as streams:
        watching = [
            frames(await streams.enter_async_context(http.stream("GET", f"/orders/{order_id}/events")))
            for _ in range(50)
        ]
        first = [(await anext(stream)).data for stream in watching]
        assert (api.feed.watchers(order_id), api.feed.pollers) == (50, 1)
        await api.orders.release(order_id)
        last = [[frame.data async for frame in stream if "data" in frame.fields][-1] for stream in watching]
    assert all(event["step"] == "check_inventory" for event in first)
    assert all(end == {"status": "completed"} for end in last)
    assert max(reads.together) == 1
    assert api.feed.pollers == 0


async def test_a_client_that_goes_frees_the_poller(api: Api, http: httpx2.AsyncClient) -> None:
    api.orders.held = True
    order_id = await api.order()
    async with http.stream("GET", f"/orders/{order_id}/events") as response:
        await anext(frames(response))
        (poller,) = [task for task in asyncio.all_tasks() if task.get_name() == f"feed {order_id}"]
    await asyncio.wait({poller})
    assert poller.cancelled()
    assert (api.feed.watchers(order_id), api.feed.pollers) == (0, 0)


async def test_a_feed_that_closes_ends_the_streams_without_an_end(api: Api, http: httpx2.AsyncClient) -> None:
    api.orders.held = True
    order_id = await api.order()
    async with http.stream("GET", f"/orders/{order_id}/events") as response:
        stream = frames(response)
        await anext(stream)
        api.feed.close()
        assert all("event" not in frame.fields for frame in [frame async for frame in stream])


@dataclass
class Reads:
    """How many reads of the source ran together, at each read."""

    together: list[int] = field(default_factory=list)
    running: int = 0


def _count_reads(api: Api) -> Reads:
    reads, source = Reads(), api.shop.reads

    class Counting:
        async def progress(self, order_id: str, *, after: int) -> tuple[OrderStatus | None, Sequence[OrderEvent]]:
            reads.running += 1
            reads.together.append(reads.running)
            try:
                return await source.progress(order_id, after=after)
            finally:
                reads.running -= 1

    api.feed._source = Counting()
    return reads
