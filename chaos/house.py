"""What all scenarios of one run share: Temporal's program, the nursery, a folder, an empty database to copy."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.client import Client

from chaos.nursery import Nursery, open_nursery
from chaos.temporal import Temporal
from chaos.world import OPTIONS, World, open_world
from flowforge.orders.contracts import OrderOptions
from flowforge.persistence.migrations.migrate import migrate
from flowforge.temporal.target import TemporalTarget


@dataclass(frozen=True, kw_only=True)
class House:
    """Where the worlds of one run are opened.

    Attributes:
        binary: the `temporal` command line tool.
        folder: everything is below it.
        nursery: starts the product's processes.
    """

    binary: Path
    folder: Path
    nursery: Nursery
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def temporal(self) -> Temporal:
        """Return a Temporal of one's own, not yet started."""
        return Temporal(self.binary, self.folder / f"temporal-{next(self._numbers)}")

    def new_file(self) -> Path:
        """Copy the empty database; return the copy."""
        path = self.folder / f"world-{next(self._numbers)}" / "flowforge.sqlite3"
        path.parent.mkdir()
        shutil.copy(self.folder / "empty.sqlite3", path)
        return path

    @asynccontextmanager
    async def world(
        self,
        target: TemporalTarget,
        client: Client,
        *,
        database_url: str = "",
        options: OrderOptions = OPTIONS,
        settings: Mapping[str, str] | None = None,
        task_queue: str = "",
    ) -> AsyncIterator[World]:
        """Open a world on some Temporal; its database is a new file unless another is named."""
        async with open_world(
            client=client,
            target=target,
            nursery=self.nursery,
            database_url=database_url or f"sqlite:///{self.new_file()}",
            options=options,
            settings=settings,
            task_queue=task_queue,
        ) as world:
            yield world


@asynccontextmanager
async def open_house(binary: Path, folder: Path) -> AsyncIterator[House]:
    """Open a house in a folder."""
    await asyncio.to_thread(_prepare, folder)
    async with open_nursery(folder / "logs") as nursery:
        yield House(binary=binary, folder=folder, nursery=nursery)


def _prepare(folder: Path) -> None:
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    migrate(f"sqlite:///{folder / 'empty.sqlite3'}")
