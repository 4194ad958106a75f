"""The life of a process: settings, logging, signals, one line for what prevents a start, and a clean end."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

from flowforge.cli.stopping import Stop, StoppedError
from flowforge.errors import FlowForgeError
from flowforge.observability.logging import configure
from flowforge.settings import Settings

Main = Callable[[Settings, Stop], Awaitable[int]]
"""What a command does: it gets the settings and the wish to stop, and returns the exit code."""


def run(main: Main, *, talks_to_temporal: bool = True, code_when_stopped: int = 0) -> NoReturn:
    """Run a command to its end and leave the process.

    The first SIGINT or SIGTERM asks `main` to stop and gives it all the time it needs; a second one ends the process at
    once with code 1. What prevents a start is printed as one line, with code 1. The process leaves by `os._exit`,
    because one that ran a Temporal worker can crash while the interpreter shuts down.

    Args:
        main: the command.
        talks_to_temporal: whether the SDK's lines are to be logged as ours are; without it the SDK is not imported.
        code_when_stopped: the exit code when work was abandoned (`Stop.or_done`) because of a signal.
    """
    try:
        settings = Settings.load()
        configure(settings.log_format)
        if talks_to_temporal:
            from flowforge.temporal.runtime import forward_logs

            forward_logs()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(_run(main, settings))
    except StoppedError:
        code = code_when_stopped
    except FlowForgeError as error:
        print(f"flowforge: {error.message}", file=sys.stderr)
        code = 1
    except Exception:
        logging.getLogger("flowforge").exception("the process ends because of an error that nothing foresaw")
        code = 1
    leave(code)


def leave(code: int) -> NoReturn:
    """Flush what was written and end the process, without the interpreter's shutdown."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # A reader that went away (`| head`) is no reason to fail.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


async def _run(main: Main, settings: Settings) -> int:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _on_signal, stop)
    return await main(settings, stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the event loop: uvloop's where there is one, which spares a sixth of an order's CPU time."""
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    return uvloop.new_event_loop


def _on_signal(stop: Stop) -> None:
    if stop.is_asked:
        print("flowforge: stopped at once; what was running goes on at the next start", file=sys.stderr)
        leave(1)
    stop.ask()
