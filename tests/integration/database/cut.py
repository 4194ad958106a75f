"""Postgres behind a connection that breaks at the worst moment: the commit is done, its answer never comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

from flowforge.persistence.database import Database
from tests.postgres import PostgresServer


class Proxy:
    """Stands between a client and the server, and cuts a connection when the answer to its COMMIT has come."""

    def __init__(self, port: int) -> None:
        self.cuts = 0
        self.may_cut = True
        self._port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        committing = asyncio.Event()

        async def to_server() -> None:
            while sent := await reader.read(65536):
                if b"COMMIT\0" in sent and self.may_cut:
                    committing.set()
                server_writer.write(sent)
                await server_writer.drain()

        async def to_client() -> None:
            while answered := await server_reader.read(65536):
                if committing.is_set():
                    self.cuts += 1
                    return
                writer.write(answered)
                await writer.drain()

        both = [asyncio.ensure_future(to_server()), asyncio.ensure_future(to_client())]
        _done, pending = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        for end in (server_writer, writer):
            end.close()


@asynccontextmanager
async def proxied(postgres: PostgresServer, url: str) -> AsyncIterator[tuple[Proxy, Database]]:
    """Yield a proxy, and the database seen through it."""
    proxy = Proxy(postgres.port)
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(make_url(url).set(port=port).render_as_string(hide_password=False))
    yield proxy, database
    await database.close()
    server.close()
