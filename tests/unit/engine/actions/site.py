"""A real HTTP server on this machine that answers as a test says, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def plain(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return an answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} Told", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def told(value: Any, status: int = 200) -> bytes:
    """Return an answer in JSON."""
    return plain(status, json.dumps(value).encode(), "content-type: application/json; charset=utf-8")


@dataclass
class Site:
    """Answers with what `answer` gives for a request, after `patience_s`; nothing closes the connection at once."""

    answer: Callable[[Asked], bytes] = lambda _asked: told({"ok": True})
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    patience_s: float = 0.0

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, target, _ = head[0].split(" ")
            self.asked.append(Asked(method, target, headers, body))
            await asyncio.sleep(self.patience_s)
            writer.write(self.answer(self.asked[-1]))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked is gone
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    """Yield a site that is served at its `url`."""
    site = Site()
    server = await asyncio.start_server(site._handle, "127.0.0.1", 0)
    async with server:
        site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield site
