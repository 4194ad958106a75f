"""A stranger's HTTP API that honours idempotency keys: it does what it is asked once a key, and loses some answers.

It knows nothing of runs but what it is asked, and it counts money by itself.
"""

import asyncio
import contextlib
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_LOST: Final = 0.1
"""How often it does what it was asked and closes the connection without a word."""

_BUSY: Final = 0.05
"""How often it does nothing and says so."""

_HOOK: Final = "/hook"
_OK: Final = 200
_CONFLICT: Final = 409
_UNAVAILABLE: Final = 503
_REASONS: Final = {_OK: "OK", _CONFLICT: "Conflict", _UNAVAILABLE: "Service Unavailable"}


@dataclass(kw_only=True)
class Stranger:
    """What it was asked.

    Attributes:
        url: where it is.
        taken: the amounts it took, in minor units, by the key under which it did, in the order in which it did.
        given_back: the keys of what it gave back, and how much it had taken until then.
        told: how often webhooks told it something, by run and type, then by the message's id.
        asked: how many requests came.
        is_stubborn: whether it refuses to give back what is marked as difficult.
        closed: a path at which it does nothing for now and says so; empty for none.
        heard: set when a message was taken in that is not answered; None where messages are answered.
    """

    chance: random.Random
    url: str = ""
    taken: dict[str, int] = field(default_factory=dict)
    given_back: dict[str, int] = field(default_factory=dict)
    told: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    asked: int = 0
    is_stubborn: bool = True
    closed: str = ""
    heard: asyncio.Event | None = None

    @property
    def kept(self) -> Mapping[str, int]:
        """What it has, by key."""
        return {key: amount for key, amount in self.taken.items() if key not in self.given_back}

    def came_back(self) -> list[str]:
        """Return the keys of what it took after it was to give it back."""
        places = {key: place for place, key in enumerate(self.taken)}
        return [key for key, taken_before in self.given_back.items() if key in places and places[key] >= taken_before]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, if it is to be answered."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
            self.asked += 1
            path = first.split(" ")[1]
            status = self._do(path, headers, body)
            if status is not None:
                answer = json.dumps({"id": headers.get("idempotency-key", "")}).encode()
                said = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                writer.write(f"{said}content-length: {len(answer)}\r\nconnection: close\r\n\r\n".encode() + answer)
                await writer.drain()
            elif path == _HOOK and self.heard is not None:
                self.heard.set()
                await reader.read()  # until whoever asked is gone
        writer.close()

    def _do(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> int | None:
        """Do what is asked; return the status of the answer, None for no answer."""
        if path == _HOOK:
            ids = self.told[body["executionId"], body["type"]]
            name = headers["webhook-id"]
            ids[name] = ids.get(name, 0) + 1
            if self.heard is not None:
                return None
            # The next attempt comes after 5 s, the one after that after 30 s more: only the first may be lost.
            return None if ids[name] == 1 and self.chance.random() < _LOST else _OK
        if path == self.closed or self.chance.random() < _BUSY:
            return _UNAVAILABLE
        if path == "/undo":
            if body["isDifficult"] and self.is_stubborn:
                return _CONFLICT
            self.given_back.setdefault(body["key"], len(self.taken))
        else:
            self.taken.setdefault(headers["idempotency-key"], body["amount"])
        return None if self.chance.random() < _LOST else _OK


@contextlib.asynccontextmanager
async def open_stranger(chance: random.Random) -> AsyncIterator[Stranger]:
    """Run a stranger's API on a free port."""
    stranger = Stranger(chance=chance)
    server = await asyncio.start_server(stranger.serve, "127.0.0.1", 0)
    stranger.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield stranger
