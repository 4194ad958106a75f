"""Asking the API as operators do: pages, streams that are cut off, and text that a terminal must not obey."""

import asyncio
from typing import Any, get_args

import pytest

from flowforge.cli.orders import app
from flowforge.cli.orders.look import STYLES, duration, goods, name_of, plain
from flowforge.errors import FlowForgeError
from flowforge.orders.contracts import OrderStatus
from flowforge.remote import asking, following
from flowforge.remote.asking import Api as Asked
from flowforge.remote.following import follow
from flowforge.remote.problems import Unreachable
from tests.integration.http.conftest import Api
from tests.integration.http.served import served


async def test_a_list_is_read_page_by_page_up_to_what_was_asked_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_PAGE", 2)
    placed = [await api.order() for _ in range(5)][::-1]
    async with served(api.app) as port, Asked(f"http://127.0.0.1:{port}") as orders:
        for at_most, has_more in ((1, True), (4, True), (5, False), (9, False)):
            found, more = await orders.all("orders", at_most=at_most)
            assert ([order["order_id"] for order in found], more) == (placed[:at_most], has_more)


async def test_what_the_api_refuses_is_one_line(api: Api) -> None:
    async with served(api.app) as port, Asked(f"http://127.0.0.1:{port}/") as orders:
        with pytest.raises(FlowForgeError, match=r"^there is no order 'ord_1'$"):
            await orders.get("orders", "ord_1", "status")
        with pytest.raises(FlowForgeError, match="reason"):
            await orders.post("orders", "ord_1", "cancel", body={"reason": "two\nlines"})
        with pytest.raises(FlowForgeError, match=r"^there is no such route"):
            await orders.get("a/b?c#d", "..")


async def test_a_stream_that_is_cut_off_is_taken_up_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FIRST_S", 0)
    served_after: list[str | None] = []
    answers = [
        b'id: 1\ndata: {"id": 1}\n\n: heartbeat\n\nid: 2\ndata: {"id": 2}\n\nid: 3\ndata: {"i',
        b"",
        b'id: 3\ndata: {"id": 3}\n\nevent: end\ndata: {"status": "completed"}\n\n',
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        served_after.append(request.partition("last-event-id: ")[2].partition("\r\n")[0] or None)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + answers.pop(0)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, Asked(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as orders:
        assert [event.id async for event in follow(orders, "orders", "ord_1", "events")] == ["1", "2", "3"]
    assert served_after == [None, "2", "2"]


async def test_a_stream_that_never_comes_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FIRST_S", 0)
    async with Asked("http://127.0.0.1:1") as orders:
        with pytest.raises(Unreachable, match="does not answer"):
            await anext(follow(orders, "orders", "ord_1", "events"))


async def test_an_order_that_has_ended_meanwhile_is_watched_no_more(api: Api) -> None:
    order_id = await api.order()
    last = str((await api.http.get(f"/orders/{order_id}")).json()["events"][-1]["id"])
    async with (
        served(api.app) as port,
        Asked(f"http://127.0.0.1:{port}") as orders,
        orders.stream("orders", order_id, "events", after=last) as events,
    ):
        assert [event.event async for event in events] == ["end"]


def test_every_status_can_be_asked_for_and_has_its_colour() -> None:
    assert set(get_args(app.Status)) == set(get_args(OrderStatus)) == set(STYLES)


@pytest.mark.parametrize("nasty", ["\x1b[2Jgone", "a\nb", "\x9b31m", "\u202eabc"])
def test_nothing_from_elsewhere_reaches_the_terminal_as_a_command(nasty: str) -> None:
    shown = plain(nasty)
    assert shown.isprintable()
    assert len(shown) == len(nasty)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0 s"), (59, "59 s"), (90, "1.5 min"), (3600, "1.0 h"), (36 * 3600, "1.5 d")]
)
def test_a_stretch_of_time_is_told_in_its_largest_unit(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_orders_are_called_by_the_shorter_name_and_by_what_they_hold() -> None:
    item = {"product_id": "SKU-1", "quantity": 2}
    generated: dict[str, Any] = {"workflow_id": "order-ord_1f~2", "order_id": "ord_1f~2", "items": []}
    chosen = {"workflow_id": "mine", "order_id": "ord_w.mine", "items": [item]}
    assert (name_of(generated), goods(generated)) == ("ord_1f~2", "?")
    assert (name_of(chosen), goods(chosen)) == ("mine", "2 x SKU-1")
    assert goods({"items": [item, item]}) == "2 products"
