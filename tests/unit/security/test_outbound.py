"""The client for strangers' URLs, against real sockets of this machine."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2
import pytest

from flowforge.errors import EgressBlocked
from flowforge.security.egress import EgressPolicy
from flowforge.security.outbound import outbound_client

_LOOPBACK = EgressPolicy.parse("127.0.0.1")


class Site:
    """A server that answers every request alike and counts them."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site on 127.0.0.1."""
    site = Site(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    server = await asyncio.start_server(site.handle, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site


async def test_a_loopback_url_is_blocked_before_anything_is_sent_and_the_setting_is_named(site: Site) -> None:
    async with outbound_client(EgressPolicy(), timeout_s=5) as client:
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"):
            with pytest.raises(EgressBlocked, match="EGRESS_ALLOW"):
                await client.get(f"http://{host}:{site.port}/")
    assert site.requests == []


async def test_an_allowed_address_is_reached_under_its_name(site: Site) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with outbound_client(_LOOPBACK, timeout_s=5, resolve=resolve) as client:
        answer = await client.get(f"http://shop.example:{site.port}/stock")
    assert answer.text == "ok"
    assert f"Host: shop.example:{site.port}".encode().lower() in site.requests[0].lower()


async def test_a_redirect_to_a_blocked_address_is_blocked(site: Site) -> None:
    site.answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
    async with outbound_client(_LOOPBACK, timeout_s=5) as client:
        with pytest.raises(EgressBlocked):
            await client.get(f"http://127.0.0.1:{site.port}/")
    assert len(site.requests) == 1


async def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(site: Site) -> None:
    answers = [["10.0.0.1", "127.0.0.1"], ["10.0.0.1"]]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    async with outbound_client(_LOOPBACK, timeout_s=5, resolve=resolve) as client:
        assert (await client.get(f"http://shop.example:{site.port}/")).text == "ok"
        with pytest.raises(EgressBlocked):
            await client.get(f"http://shop.example:{site.port}/")


async def test_an_address_that_does_not_answer_is_followed_by_the_next(site: Site) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with outbound_client(EgressPolicy.parse("127.0.0.0/8"), timeout_s=5, resolve=resolve) as client:
        assert (await client.get(f"http://shop.example:{site.port}/")).text == "ok"


async def test_a_name_that_does_not_exist_is_a_connection_that_failed() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with outbound_client(EgressPolicy(), timeout_s=5, resolve=resolve) as client:
        with pytest.raises(httpx2.ConnectError, match="cannot be resolved"):
            await client.get("http://nowhere.example/")


async def test_a_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{site.port}")
    async with outbound_client(EgressPolicy(), timeout_s=5) as client:
        with pytest.raises(EgressBlocked):
            await client.get("http://10.0.0.1/")
    assert site.requests == []
