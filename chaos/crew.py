"""Workers that are killed by chance and replaced, as any supervisor of processes does."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.nursery import Child
from chaos.world import World


class Crew:
    """So many workers of a world, each replaced when it ends.

    Attributes:
        kills: how many were killed.
    """

    def __init__(self, world: World, size: int) -> None:
        self._world = world
        self._size = size
        self._members: set[Child] = set()
        self._posts: list[asyncio.Task[None]] = []
        self._is_there = asyncio.Event()
        self.kills = 0

    def kill_one(self, chance: random.Random) -> bool:
        """Kill one of them by SIGKILL; tell whether there was one."""
        living = sorted((child for child in self._members if not child.exited.done()), key=lambda child: child.pid)
        if not living:
            return False
        chance.choice(living).send(signal.SIGKILL)
        self.kills += 1
        return True

    async def _hold_a_post(self) -> None:
        while True:
            worker = await self._world.worker()
            self._members.add(worker)
            if len(self._members) == self._size:
                self._is_there.set()
            await asyncio.shield(worker.exited)
            self._members.discard(worker)
            self._world.children.remove(worker)

    async def begin(self) -> None:
        """Start them; they exist then, though they may not be ready."""
        self._posts = [asyncio.create_task(self._hold_a_post()) for _ in range(self._size)]
        await self._is_there.wait()

    async def end(self) -> None:
        """Replace them no longer; they go on."""
        for post in self._posts:
            post.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)


@asynccontextmanager
async def open_crew(world: World, size: int) -> AsyncIterator[Crew]:
    """Run a crew until the block ends."""
    crew = Crew(world, size)
    await crew.begin()
    try:
        yield crew
    finally:
        await crew.end()
