"""A relay between a client and a server, which loses connections when a test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Relay:
    """Passes bytes on.

    Attributes:
        port: where it listens, on 127.0.0.1.
        requests: the heads of all requests that came, as they were sent.
    """

    def __init__(self, to: int) -> None:
        self.port = 0
        self.requests: list[str] = []
        self._to = to
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    async def open(self) -> None:
        """Listen; again on the same port."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection at once, and take no more until it is opened again."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def asked(self, what: str, times: int = 1) -> list[str]:
        """Wait until so many requests came whose head holds that; return their heads."""
        while len(found := [head for head in self.requests if what in head]) < times:
            self._changed.clear()
            await self._changed.wait()
        return found

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, onward}
        try:
            await asyncio.gather(self._copy(reader, onward, heard=True), self._copy(answers, writer))
        finally:
            self._open -= {writer, onward}

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, heard: bool = False) -> None:
        try:
            while data := await source.read(65536):
                if heard:
                    self.requests.append(data.decode(errors="replace").lower())
                    self._changed.set()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass  # it was cut
        finally:
            sink.close()


@asynccontextmanager
async def relay(to: int) -> AsyncIterator[Relay]:
    """Relay to a port of 127.0.0.1."""
    between = Relay(to)
    await between.open()
    try:
        yield between
    finally:
        between.cut()
