"""A Temporal development server as a child process: tuned, persisted, and gone when we are.

Two things are worth knowing about its life:

- It runs in a session of its own, so that Ctrl-C in a terminal reaches us alone: we drain first, then stop it.
- Should we be killed outright, a watchdog (a shell that waits at the other end of a pipe) sees the pipe close and stops
  it. That needs nothing of the operating system but pipes, so it works on macOS as on Linux.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from flowforge.errors import StartupError, TemporalUnavailable
from flowforge.temporal import ports
from flowforge.temporal.client import check, connect
from flowforge.temporal.folder import create, unwritable
from flowforge.temporal.lock import FileLock
from flowforge.temporal.target import TemporalTarget

_IP: Final = "127.0.0.1"
_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 10.0
_LOCK_WITHIN_S: Final = 8.0
_ATTEMPTS_ON_FREE_PORTS: Final = 3

# Out of the box the server looks at its queues 20 times a second, which costs every task 50 ms.
_TUNING: Final = (
    "history.transferProcessorMaxPollRPS=2000",
    "history.timerProcessorMaxPollRPS=2000",
    "history.visibilityProcessorMaxPollRPS=2000",
    'history.timerProcessorMaxTimeShift="20ms"',
    "system.enableActivityEagerExecution=true",
)

# On a line: we stopped the server ourselves. On end of file: we are dead, and the server must not outlive us.
_WATCHDOG: Final = 'read -r _ || { kill -TERM "$0"; sleep 5; kill -KILL "$0"; } 2>/dev/null'


class DevServer:
    """A running development server, as an async context manager.

    Leaving the block stops the server and waits for its end.

    Attributes:
        address: host:port of its frontend.
        ui_url: the address of its UI.
        log_path: where its output goes.
    """

    def __init__(
        self,
        binary: Path,
        *,
        data_dir: Path,
        port: int = 0,
        ui_port: int = 0,
        persisted: bool = True,
        tuned: bool = True,
    ) -> None:
        """Describe a server; entering the block starts it.

        Args:
            binary: the `temporal` command line tool.
            data_dir: the folder of its file and log; created where it is missing.
            port: the frontend's port; 0 takes a free one.
            ui_port: the UI's port; 0 takes a free one.
            persisted: whether its state outlives it, in `data_dir`. One server at a time may use that file.
            tuned: whether it gets the settings that make it fast; without is for comparison only.
        """
        self._binary = binary
        self._data_dir = data_dir
        self._asked_port = port
        self._asked_ui_port = ui_port
        self._persisted = persisted
        self._tuned = tuned
        self._process: asyncio.subprocess.Process | None = None
        self._watchdog: asyncio.subprocess.Process | None = None
        self.address = ""
        self.ui_url = ""
        self.log_path = data_dir / "temporal.log"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            RuntimeError: it is not running.
        """
        if self._process is None:
            raise RuntimeError("the Temporal development server is not running")
        return self._process.pid

    @property
    def target(self) -> TemporalTarget:
        """What a client needs to connect to this server."""
        return TemporalTarget(address=self.address, is_given=False, ui_url=self.ui_url)

    async def __aenter__(self) -> Self:
        """Start the server and wait until it serves its namespace.

        Raises:
            StartupError: a port is taken, the folder is not writable, another server uses the file, or it ended.
        """
        create(self._data_dir)
        chosen_by_us = 0 in (self._asked_port, self._asked_ui_port)
        for attempt in range(1, _ATTEMPTS_ON_FREE_PORTS + 1):
            try:
                await self._start()
            except _PortLostError as lost:
                # Between our finding a port free and the server's taking it, somebody else was faster.
                if not chosen_by_us or attempt == _ATTEMPTS_ON_FREE_PORTS:
                    raise StartupError(str(lost)) from None
            else:
                break
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server."""
        await self.stop()

    async def wait(self) -> int:
        """Wait until the server ends, by itself or by `stop`; return its exit code."""
        if self._process is None:
            raise RuntimeError("the Temporal development server is not running")
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop the server: SIGINT, and SIGKILL after 10 s. Stopping it twice is harmless."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            await watchdog.communicate(b"\n")

    async def _start(self) -> None:
        port = self._asked_port or ports.free(_IP)
        ui_port = self._asked_ui_port or ports.free(_IP)
        for number, what in ((port, "Temporal"), (ui_port, "Temporal's UI")):
            ports.require_free(_IP, number, what)
        self.address, self.ui_url = f"{_IP}:{port}", f"http://localhost:{ui_port}"
        with contextlib.ExitStack() as until_started:
            inherited: tuple[int, ...] = ()
            if self._persisted:
                # The server inherits the lock, so the file is locked for as long as the server lives, not we.
                lock = until_started.enter_context(FileLock(self._data_dir / "temporal.lock"))
                if not await lock.acquire(within_s=_LOCK_WITHIN_S):
                    raise StartupError(
                        f"another Temporal development server is using {self._data_dir}; "
                        "stop it or set FLOWFORGE_DATA_DIR to another folder"
                    )
                inherited = (lock.fileno(),)
            log = until_started.enter_context(_open_log(self.log_path))
            try:
                await self._spawn(self._command(port, ui_port), log, inherited)
            except BaseException:
                await self.stop()
                raise
        try:
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise

    async def _spawn(self, command: list[str], log: IO[bytes], inherited: tuple[int, ...]) -> None:
        # Temporal's own variables mean the Temporal our clients use, not this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        if self._tuned:
            environment["GOGC"] = "400"
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=inherited,
                start_new_session=True,
            )
        except OSError as error:
            raise StartupError(f"{self._binary} cannot be run ({error.strerror}); remove it and try again") from None
        self._watchdog = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _WATCHDOG,
            str(self._process.pid),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    def _command(self, port: int, ui_port: int) -> list[str]:
        command = [
            str(self._binary),
            "server",
            "start-dev",
            "--ip",
            _IP,
            "--port",
            str(port),
            "--ui-port",
            str(ui_port),
        ]
        if self._persisted:
            command += ["--db-filename", str(self._data_dir / "temporal.sqlite3")]
        if self._tuned:
            for setting in _TUNING:
                command += ["--dynamic-config-value", setting]
            if self._persisted:
                command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        return command

    async def _until_ready(self) -> None:
        serving = asyncio.create_task(self._serving())
        ended = asyncio.create_task(self.wait())
        try:
            done, _ = await asyncio.wait({serving, ended}, timeout=_READY_WITHIN_S, return_when="FIRST_COMPLETED")
        finally:
            serving.cancel()
            ended.cancel()
            await asyncio.gather(serving, ended, return_exceptions=True)
        if serving in done:
            serving.result()
            return
        last_words = _last_line(self.log_path)
        if ended in done:
            message = f"Temporal ended at start: {last_words} (see {self.log_path})"
            raise _PortLostError(message) if "address already in use" in last_words else StartupError(message)
        raise StartupError(f"Temporal was not ready within {_READY_WITHIN_S:g} s: {last_words} (see {self.log_path})")

    async def _serving(self) -> None:
        target = self.target
        while True:
            try:
                await check(await connect(target))
            except TemporalUnavailable:
                await asyncio.sleep(0.02)
            else:
                return


class _PortLostError(Exception):
    """Somebody took the port between our look and the server's start."""


def _open_log(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise unwritable(path.parent, error) from None


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]
