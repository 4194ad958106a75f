"""A Postgres server of the tests' own: found or installed, started on a free port, full of short-lived databases."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any, Final

import psycopg
import pytest

from flowforge.persistence.migrations.migrate import migrate

_ROOT: Final = Path(__file__).parents[1]
_SAYS: Final = (
    # Nothing here outlives the tests, so nothing waits for the disk.
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
)


class PostgresServer:
    """A server that runs, its data in a folder that goes with it.

    Attributes:
        port: where it listens on 127.0.0.1.
        folder: its data.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    def url(self, name: str) -> str:
        """Return the URL of one of its databases, as DATABASE_URL would have it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        self._process = subprocess.Popen(  # noqa: S603 -- our own constants
            [
                self._programs / "postgres",
                *("-D", self.folder / "data", "-p", str(self.port)),
                *(part for setting in _SAYS for part in ("-c", setting)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **_as_somebody(),
        )
        is_ready = threading.Event()
        threading.Thread(target=self._keep_log, args=(self._process.stdout, is_ready), daemon=True).start()
        if not is_ready.wait(60) or self._process.poll() is not None:
            pytest.fail(f"Postgres does not start:\n{(self.folder / 'log').read_text()}")

    def _keep_log(self, lines: IO[bytes], is_ready: threading.Event) -> None:
        """Write down what the server says until it has ended; tell when it is ready, or never will be."""
        with lines, (self.folder / "log").open("ab", buffering=0) as log:
            for line in lines:
                log.write(line)
                if b"ready to accept connections" in line:
                    is_ready.set()
        is_ready.set()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it, throwing its clients out; `at_once` also without a checkpoint, as if it had crashed."""
        assert self._process is not None
        self._process.send_signal(3 if at_once else 2)  # SIGQUIT is Postgres' immediate shutdown, SIGINT the fast one
        self._process.wait(60)

    def execute(self, statement: str, name: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement in a database, outside of any transaction."""
        with psycopg.connect(self.url(name), autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Make a database for one test and yield its URL; whoever is still connected at the end is thrown out."""
        name = f"test_{next(self._numbers)}"
        # By the log, as it is by default, a database takes 8 MiB of it.
        self.execute(f"create database {name} template {template} strategy file_copy")
        yield self.url(name)
        self.execute(f"drop database {name} with (force)")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server, with a database `migrated` that is up to date, to be used as a template."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="flowforge-postgres-", dir=_memory()))
    try:
        who = _as_somebody()
        if who:
            shutil.chown(folder, who["user"])
        made = subprocess.run(  # noqa: S603 -- our own constants
            [
                *(programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync"),
                *("--encoding=UTF8", "--locale=C"),
            ],
            capture_output=True,
            text=True,
            check=False,
            **who,
        )
        if made.returncode != 0:
            pytest.fail(f"Postgres cannot make a database: {made.stdout}{made.stderr}")
        server = PostgresServer(programs, folder)
        server.start()
        try:
            server.execute("create database migrated template template0")
            migrate(server.url("migrated"))
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Find the newest server's programs, having them installed where there are none."""
    found = _installed()
    if found is None:
        installing = subprocess.run(  # noqa: S603 -- the project's own script
            [_ROOT / "scripts" / "install-postgres.sh"], capture_output=True, text=True, check=False
        )
        found = _installed()
        if found is None:
            pytest.fail(f"there is no Postgres to test with, and none can be installed: {installing.stderr}")
    return found


def _installed() -> Path | None:
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(debian, key=lambda path: int(path.parts[-3]), reverse=True)
    on_path = shutil.which("initdb")
    # Behind a link stand the other programs.
    return newest[0].parent if newest else Path(on_path).resolve().parent if on_path else None


def _as_somebody() -> dict[str, Any]:
    """Return how to run a program without rights: Postgres refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            person = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": [], "cwd": "/"}
    return pytest.fail("Postgres does not run as root, and there is no other user here")


def _memory() -> Path | None:
    """Return a folder in memory where there is a large one: databases are made five times as fast there."""
    memory = Path("/dev/shm")  # noqa: S108 -- within it a folder of our own is made
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return memory if has_room else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
