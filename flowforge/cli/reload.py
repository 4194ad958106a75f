"""Starting `all` again when code changes, on a Temporal that stays as it is."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

import typer

from flowforge.cli.progress import progress
from flowforge.cli.stopping import Stop, StoppedError
from flowforge.settings import Settings
from flowforge.temporal.running import RunningTemporal, running_temporal

_LOOK_EVERY_S: Final = 0.4
_PACKAGE: Final = Path(__file__).resolve().parents[1]


async def run_reloading(
    settings: Settings, stop: Stop, *, host: str, port: int, temporal_port: int, ui_port: int
) -> None:
    """Run `all` as a child on a Temporal of ours, and start it again whenever a file of the package changes."""
    async with contextlib.AsyncExitStack() as stack:
        starting = running_temporal(settings, progress=progress, port=temporal_port, ui_port=ui_port)
        temporal = await stop.or_done(stack.enter_async_context(starting))
        typer.echo(f"watching {_PACKAGE} for changes", err=True)
        while not stop.is_asked:
            seen = _stamps()
            child = await _start(settings, temporal, host=host, port=port)
            try:
                with contextlib.suppress(StoppedError):
                    await stop.or_done(_change(seen))
                    typer.echo("code changed: starting again", err=True)
            finally:
                await _end(child)


def stop_when_input_closes(stop: Stop) -> None:
    """Ask for the stop when whoever holds the other end of standard input is gone."""
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _on_input, stop)


def _on_input(stop: Stop) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.ask()


async def _start(settings: Settings, temporal: RunningTemporal, *, host: str, port: int) -> asyncio.subprocess.Process:
    environment = dict(os.environ)
    if not temporal.target.is_given:
        environment["TEMPORAL_HOST"] = temporal.target.address
        if "temporal_ui_url" not in settings.model_fields_set:
            environment["TEMPORAL_UI_URL"] = temporal.target.ui_url
    # In a session of its own, so that Ctrl-C reaches us alone; should we be killed, its standard input closes.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, sys.argv[0], "all", "--host", host, "--port", str(port), "--on-leash"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    await child.wait()


async def _change(seen: dict[Path, int]) -> None:
    """Wait until a file is other than it was, and then until writing has calmed down."""
    now = seen
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        later = _stamps()
        if later == now and now != seen:
            return
        now = later


def _stamps() -> dict[Path, int]:
    stamps = {}
    for path in _PACKAGE.rglob("*.py"):
        with contextlib.suppress(OSError):
            stamps[path] = path.stat().st_mtime_ns
    return stamps
