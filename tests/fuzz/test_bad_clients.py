"""Clients that are slow, idle or gone: nobody else waits for them, and when they leave nothing of them stays."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.processes import ORDER, ended, place
from tests.fuzz.conftest import Running

_MANY = 200
_BODY = str(ORDER).replace("'", '"').encode()
_HEAD = b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    _BODY
)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connections(running: Running, sent: bytes) -> AsyncIterator[list[Connection]]:
    """Open many connections that have sent some bytes each."""
    opened = [await asyncio.open_connection("127.0.0.1", running.house.api_port) for _ in range(_MANY)]
    try:
        for _, writer in opened:
            writer.write(sent)
            await writer.drain()
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


def sockets(running: Running) -> int:
    """Return how many sockets the process holds."""
    found = 0
    for descriptor in Path(f"/proc/{running.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed between the two looks
            found += str(descriptor.readlink()).startswith("socket:")
    return found


async def settles_at(running: Running, at_most: int) -> None:
    """Wait until the process holds no more sockets than this."""
    async with asyncio.timeout(60):
        while sockets(running) > at_most:  # noqa: ASYNC110 -- another process's descriptors tell nobody when they close
            await asyncio.sleep(0.05)


async def serves(running: Running) -> None:
    """Place an order and have it completed."""
    async with running.house.http() as http:
        order = await place(http, wait_s=60)
        assert order["status"] == "completed"


@pytest.mark.parametrize(
    "sent",
    [b"", _HEAD[:20], _HEAD, _HEAD + _BODY[:-1]],
    ids=["nothing", "half a line", "no body", "a body without its last byte"],
)
async def test_requests_that_never_end_keep_nobody_waiting_and_leave_nothing(running: Running, sent: bytes) -> None:
    await serves(running)
    before = sockets(running)
    async with connections(running, sent):
        await serves(running)
    await settles_at(running, before)
    async with running.house.http() as http:
        assert len((await http.get("/orders")).json()) == 2


async def test_a_body_that_comes_byte_by_byte_is_an_order_like_any_other(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.house.api_port)
    for byte in _HEAD + _BODY:
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()


async def test_idle_readers_of_events_keep_nobody_waiting_and_leave_nothing(running: Running) -> None:
    with contextlib.closing(sqlite3.connect(running.house.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # no step can be written: the order stays open
        async with running.house.http() as http:
            order_id = (await place(http))["order_id"]
            before = sockets(running)
            request = f"GET /orders/{order_id}/events HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
            async with connections(running, request) as readers:
                for reader, _ in readers:
                    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
                assert (await http.get(f"/orders/{order_id}")).json()["status"] == "running"
                lock.execute("COMMIT")
                await serves(running)
                assert (await ended(http, order_id))["status"] == "completed"
            await settles_at(running, before)
