"""Everything that has to run before anything can be measured; ended in reverse."""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contestants
from benchmarks.children import HOST, ROOT, Application, ChildError, LineChild, application, line_child
from benchmarks.contestants import Contestant
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.ports import free

MUCH_STOCK = 1_000_000_000
_REGULAR_SHARE = 0.25
_UNTUNED_SHARE = 0.125


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The processes that are measured.

    Attributes:
        contestants: on the tuned server, then on the untuned one.
        application: FlowForge on the tuned server.
        load: places orders there.
    """

    contestants: tuple[Contestant, ...]
    application: Application
    load: LineChild


def path_with(binary: Path) -> str:
    """Return a PATH on which `temporal` is this one."""
    return os.pathsep.join([str(binary.parent), os.environ.get("PATH", os.defpath)])


@contextlib.asynccontextmanager
async def stage(binary: Path, folder: Path) -> AsyncIterator[Stage]:
    """Start everything on free ports, with data in `folder`.

    Raises:
        ChildError, StartupError: something does not start.
    """
    async with contextlib.AsyncExitStack() as stack:
        tuned = await stack.enter_async_context(DevServer(binary, data_dir=folder / "tuned"))
        untuned = await stack.enter_async_context(DevServer(binary, data_dir=folder / "untuned", tuned=False))
        floor = await stack.enter_async_context(_floor(tuned, folder / "tuned"))
        floor_untuned = await stack.enter_async_context(_floor(untuned, folder / "untuned"))
        ours, load = await stack.enter_async_context(flowforge(tuned, binary, folder / "flowforge"))
        ours_untuned, load_untuned = await stack.enter_async_context(
            flowforge(untuned, binary, folder / "flowforge-untuned")
        )
        yield Stage(
            contestants=(
                contestants.floor(contestants.FLOOR, floor, tuned.pid, local=True),
                contestants.flowforge(contestants.FLOWFORGE, ours, load, tuned.pid),
                contestants.floor(contestants.REGULAR, floor, tuned.pid, local=False, share=_REGULAR_SHARE),
                contestants.floor(
                    contestants.UNTUNED, floor_untuned, untuned.pid, local=False, eager=False, share=_UNTUNED_SHARE
                ),
                contestants.flowforge(
                    contestants.FLOWFORGE_UNTUNED, ours_untuned, load_untuned, untuned.pid, share=_REGULAR_SHARE
                ),
            ),
            application=ours,
            load=load,
        )


def _floor(server: DevServer, folder: Path) -> contextlib.AbstractAsyncContextManager[LineChild]:
    return line_child("benchmarks.floor", server.address, folder=folder)


@contextlib.asynccontextmanager
async def flowforge(
    server: DevServer, binary: Path, folder: Path, root: Path = ROOT
) -> AsyncIterator[tuple[Application, LineChild]]:
    """Start FlowForge on a Temporal, with much in stock, and the load on it.

    Args:
        server: the Temporal.
        binary: the `temporal` command line tool.
        folder: where its data are.
        root: the checkout to run.

    Raises:
        ChildError: it does not start.
    """
    port = free(HOST)
    settings = {"TEMPORAL_HOST": server.address}
    async with application(port, folder=folder, path=path_with(binary), settings=settings, root=root) as running:
        await running.until_ready()
        stock = json.dumps({"on_hand": MUCH_STOCK}).encode()
        status, answer = await running.request("PUT", "/inventory/SKU-001", stock)
        if status != 200:
            raise ChildError(f"the stock could not be set: {status} {answer!r}")
        async with line_child("benchmarks.http_load", HOST, str(port), folder=folder) as load:
            yield running, load
