"""A Temporal to work with: the one that was given, one that already answers, or one of our own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from temporalio.client import Client

from flowforge.errors import StartupError, TemporalUnavailable
from flowforge.settings import Settings
from flowforge.temporal import ports
from flowforge.temporal.client import Restore, check, connect, connect_with_retry
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from flowforge.temporal.target import TemporalTarget
from flowforge.temporal.ways import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTemporal:
    """A Temporal that answers.

    Attributes:
        target: where it is.
        client: a connection to it.
        server: the development server, where we started it ourselves.
    """

    target: TemporalTarget
    client: Client
    server: DevServer | None


@contextlib.asynccontextmanager
async def running_temporal(
    settings: Settings, *, progress: Progress, port: int = 7233, ui_port: int = 8233, restore: Restore | None = None
) -> AsyncIterator[RunningTemporal]:
    """Provide a Temporal that answers, and stop it afterwards if we started it.

    A Temporal that was named (TEMPORAL_HOST, TEMPORAL_ADDRESS) is only ever connected to, for up to 30 s. Otherwise the
    one that answers at `port` of this machine is used, and else a persisted development server is started there.

    Args:
        settings: the process's settings.
        progress: shows how it goes where the tool has to be fetched first.
        port: the frontend's port; 0 starts a server at a free one.
        ui_port: the port of the UI of a server of our own; 0 takes a free one.
        restore: called when the Temporal that was named does not know the namespace; may make it.

    Raises:
        StartupError: the Temporal that was named does not answer, or none can be started.
    """
    target = TemporalTarget.of(settings)
    if target.is_given:
        client = await connect_with_retry(target, restore=restore)
        yield RunningTemporal(target=target, client=client, server=None)
        return
    if port:
        target = replace(target, address=f"localhost:{port}")
        try:
            client = await connect(target)
            await check(client)
        except TemporalUnavailable:
            pass
        else:
            yield RunningTemporal(target=target, client=client, server=None)
            return
    async with own_server(settings, progress=progress, port=port, ui_port=ui_port) as server:
        yield RunningTemporal(target=server.target, client=await _connect(server), server=server)


@contextlib.asynccontextmanager
async def own_server(settings: Settings, *, progress: Progress, port: int, ui_port: int) -> AsyncIterator[DevServer]:
    """Run a persisted development server, fetching the tool first where it is missing.

    Raises:
        StartupError: a port is taken, there is no way to the tool, or the server did not start.
    """
    for number, what in ((port, "Temporal"), (ui_port, "Temporal's UI")):
        if number:
            ports.require_free("127.0.0.1", number, what)  # before a build of minutes, not after it
    with progress() as report:
        binary = await provide(settings.data_dir, report=report)
    async with DevServer(binary, data_dir=settings.data_dir, port=port, ui_port=ui_port) as server:
        yield server


async def _connect(server: DevServer) -> Client:
    try:
        return await connect(server.target)
    except TemporalUnavailable as error:
        raise StartupError(f"{error.message} (see {server.log_path})") from None
