"""What a client library would not send: raw bytes to a real server."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from flowforge.api.strict_route import MAX_BODY_BYTES
from tests.integration.http.conftest import ORDER, Api
from tests.integration.http.served import exchange, served

_START = b"POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n"
GOOD = json.dumps(ORDER).encode()


@pytest.fixture
async def port(api: Api) -> AsyncIterator[int]:
    """The port of the application."""
    async with served(api.app) as port:
        yield port


def status(answer: bytes) -> int:
    """Return the status of an HTTP answer."""
    return int(answer.split(b" ", 2)[1])


async def test_a_declared_length_over_1_mib_is_413_before_a_byte_is_read(port: int) -> None:
    answer = await exchange(port, _START + b"Expect: 100-continue\r\nContent-Length: 1099511627776\r\n\r\n")
    assert status(answer) == 413
    assert b"application/problem+json" in answer


async def test_a_chunked_body_over_1_mib_is_413(port: int) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunks = [chunk] * (MAX_BODY_BYTES // 0x10000 + 1)
    answer = await exchange(port, _START + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    assert status(answer) == 413


async def test_a_chunked_body_is_read(port: int) -> None:
    sent = [b"%x\r\n%s\r\n" % (len(part), part) for part in (GOOD[:10], GOOD[10:])]
    answer = await exchange(port, _START + b"Transfer-Encoding: chunked\r\n\r\n", *sent, b"0\r\n\r\n")
    assert status(answer) == 201


async def test_a_body_of_exactly_1_mib_is_read(port: int) -> None:
    body = GOOD + b" " * (MAX_BODY_BYTES - len(GOOD))
    assert status(await exchange(port, _START + b"Content-Length: %d\r\n\r\n" % len(body), body)) == 201


@pytest.mark.parametrize("length", [b"-1", b"ten", b"1, 2"])
async def test_a_length_that_is_none_is_400(port: int, length: bytes) -> None:
    assert status(await exchange(port, _START + b"Content-Length: " + length + b"\r\n\r\n", GOOD)) == 400


async def test_header_bytes_that_are_no_text_do_no_harm(port: int) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX-Request-ID: \xff\xfe\r\nPrefer: \xff\r\n\r\n"
    assert status(await exchange(port, head)) == 200


async def test_a_client_that_goes_while_it_sends_leaves_no_order(api: Api, port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_START + b"Content-Length: 1000\r\n\r\n" + GOOD)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert status(await exchange(port, _START + b"Content-Length: %d\r\n\r\n" % len(GOOD), GOOD)) == 201
    assert len(api.orders.placed) == 1
