"""Serving the API: a socket that is ours before anything slow begins, and an end that drains."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from typing import Final

import typer
import uvicorn
from fastapi import FastAPI

from flowforge.api.dependencies import AppServices
from flowforge.cli.loaded import keep_loaded
from flowforge.cli.stopping import Stop
from flowforge.errors import StartupError

_FINISH_WITHIN_S: Final = 20
_BACKLOG: Final = 2048


@contextlib.contextmanager
def listening_socket(host: str, port: int) -> Iterator[socket.socket]:
    """Take the API's port now, so that a taken one is told before Temporal is built; nobody is served yet.

    Raises:
        StartupError: the port is taken, or not ours to take.
    """
    with contextlib.ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listener = stack.enter_context(socket.socket(family, kind, protocol))
            # As servers do: a connection of a former process that lingers is no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            raise StartupError(_why_not(host, port, error)) from None
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return where a browser on this machine finds what listens there."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 -- it is compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def tell_address(listener: socket.socket, ui_url: str) -> None:
    """Print where people find the API and Temporal's UI."""
    typer.echo(f"The API is at {url_of(listener)}/docs, Temporal's UI at {ui_url}; Ctrl-C ends it")


async def serve(app: FastAPI, listener: socket.socket, stop: Stop, on_ready: Callable[[], None]) -> None:
    """Serve until the stop is asked for, then drain: nobody new, waits end, requests get 20 s to finish."""
    services: AppServices = app.state.services
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_FINISH_WITHIN_S,
    )
    server = _Server(config, on_ready)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        server.should_exit = True
        services.close()
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which are the process's business, and with a word when it serves."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        keep_loaded()
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} for the API is taken; stop the program that uses it or choose another one with --port"
    if isinstance(error, socket.gaierror):
        return f"--host {host} is no address of this machine ({error.strerror})"
    return f"port {port} for the API cannot be used on {host} ({error.strerror}); choose another one with --port"
