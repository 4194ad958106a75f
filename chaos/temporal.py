"""A Temporal that is killed and comes back at the same address, with what it had written or without."""

import os
import signal
from pathlib import Path
from typing import Self

from temporalio.client import Client

from flowforge.temporal.client import connect_with_retry
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.ports import free
from flowforge.temporal.target import TemporalTarget


class Temporal:
    """A development server of our own, as an async context manager.

    Attributes:
        kills: how often it was killed.
    """

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._port = free("127.0.0.1")
        self._ui_port = free("127.0.0.1")
        self._server: DevServer | None = None
        self.kills = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            await self._server.stop()

    @property
    def is_running(self) -> bool:
        """Whether it was started and not killed since."""
        return self._server is not None

    @property
    def target(self) -> TemporalTarget:
        """Where it is, also while it is not there."""
        address = f"127.0.0.1:{self._port}"
        return TemporalTarget(address=address, is_given=False, ui_url=f"http://localhost:{self._ui_port}")

    async def client(self) -> Client:
        """Connect."""
        return await connect_with_retry(self.target)

    async def start(self) -> None:
        """Start it, with what its file holds."""
        server = DevServer(self._binary, data_dir=self._folder, port=self._port, ui_port=self._ui_port)
        self._server = await server.__aenter__()

    async def kill(self) -> None:
        """Kill it by SIGKILL; its file stays."""
        server, self._server = self._server, None
        if server is None:
            return
        os.kill(server.pid, signal.SIGKILL)
        await server.wait()
        await server.stop()
        self.kills += 1

    def forget(self) -> None:
        """Remove everything it ever wrote; it must not be running."""
        for file in self._folder.glob("temporal.sqlite3*"):
            file.unlink()
