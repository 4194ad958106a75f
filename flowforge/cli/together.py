"""API, worker and, where there is none, Temporal in one process, on one client, so that orders start without a hop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from flowforge.cli.composition import Fulfilment, open_fulfilment, prepare_database, ui_url
from flowforge.cli.progress import progress
from flowforge.cli.serving import listening_socket, serve, tell_address, url_of
from flowforge.cli.stopping import Stop
from flowforge.cli.working import reconciling, restore, until_server_ends, work
from flowforge.settings import Settings
from flowforge.temporal.running import RunningTemporal, running_temporal


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Everything is there, and nothing runs yet."""

    settings: Settings
    listener: socket.socket
    temporal: RunningTemporal
    fulfilment: Fulfilment

    @property
    def api_url(self) -> str:
        """Where a browser on this machine finds the API."""
        return url_of(self.listener)

    @property
    def ui_url(self) -> str:
        """Where a browser finds Temporal's UI."""
        return ui_url(self.settings, self.temporal.target)

    async def run(self, stop: Stop, on_ready: Callable[[], None]) -> None:
        """Serve and work until the stop is asked for; then the API drains, and after it the worker.

        Raises:
            StartupError: something that it takes ended by itself.
        """
        client, drained = self.temporal.client, Stop()
        app = self.fulfilment.api(client, self.temporal.target)
        worker = self.fulfilment.worker(client)
        async with reconciling(self.fulfilment, client):
            serving = asyncio.create_task(serve(app, self.listener, stop, on_ready))
            others = [
                asyncio.create_task(work(worker, drained)),
                asyncio.create_task(until_server_ends(self.temporal.server, stop)),
            ]
            await asyncio.wait({serving, *others}, return_when=asyncio.FIRST_COMPLETED)
            stop.ask()
            try:
                await serving
            finally:
                drained.ask()
                await asyncio.gather(*others)


@contextlib.asynccontextmanager
async def bring_together(
    settings: Settings, stop: Stop, *, host: str, port: int, temporal_port: int, ui_port: int
) -> AsyncIterator[Together]:
    """Get everything ready: what can fail quickly first, and the end in reverse, so that Temporal goes last.

    Raises:
        StartupError: something is missing or taken; one line.
        StoppedError: the stop was asked for meanwhile.
    """
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listening_socket(host, port))
        await stop.or_done(prepare_database(settings))
        starting = running_temporal(
            settings, progress=progress, port=temporal_port, ui_port=ui_port, restore=partial(restore, settings)
        )
        temporal = await stop.or_done(stack.enter_async_context(starting))
        fulfilment = await stack.enter_async_context(open_fulfilment(settings))
        await fulfilment.engine.publish_bundled()
        await fulfilment.engine.launcher.provide_labels(temporal.client)
        yield Together(settings=settings, listener=listener, temporal=temporal, fulfilment=fulfilment)


async def run_together(
    settings: Settings, stop: Stop, *, host: str, port: int, temporal_port: int, ui_port: int
) -> None:
    """Run everything until the stop is asked for.

    Raises:
        As `bring_together` and `Together.run`.
    """
    bringing = bring_together(settings, stop, host=host, port=port, temporal_port=temporal_port, ui_port=ui_port)
    async with bringing as together:
        await together.run(stop, lambda: tell_address(together.listener, together.ui_url))
