"""One database, used by async code: a unit of work is a plain function of a connection, run in one thread hop."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flowforge.errors import DatabaseUnavailable

BUSY_TIMEOUT_S: Final = 5.0
"""How long a transaction waits for another process's write lock. Steps must be given more time than this."""

_SHORT_BUSY_TIMEOUT_MS: Final = 100
_POOL_SIZE: Final = 8

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Connection, P], T]


class Database:
    """Runs units of work, each in one transaction.

    On SQLite all writes of the process go through one thread, so that they queue instead of fighting for the lock,
    and begin with BEGIN IMMEDIATE: a transaction that reads first and writes later would otherwise fail when another
    process wrote in between. Readers have connections of their own, and are never held up by a writer.

    A caller that is cancelled while its work runs does not stop it: the transaction goes on and may commit.
    """

    def __init__(self, url: str) -> None:
        """Prepare access to the database at an SQLAlchemy `url`; nothing is opened yet."""
        self.url: Final = make_url(url)
        if self.url.get_backend_name() == "sqlite":
            self._writing: Engine = _sqlite_engine(self.url, pool_size=1)
            self._reading: Engine = _sqlite_engine(self.url, pool_size=_POOL_SIZE)
            writers = 1
            # Said by ourselves: the driver would say it late, and an event of SQLAlchemy slows every statement.
            self._begin_writing: str | None = "BEGIN IMMEDIATE"
            self._begin_reading: str | None = "BEGIN"
        else:
            self._writing = self._reading = _pooled_engine(self.url)
            writers = _POOL_SIZE
            self._begin_writing = self._begin_reading = None
        self._write_threads = ThreadPoolExecutor(writers, thread_name_prefix="database-write")
        self._read_threads = ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix="database-read")

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, *args)` in a transaction; commit when it returns, roll back when it raises.

        Raises:
            DatabaseUnavailable: nothing was written, unless the connection was lost in the very commit.
        """
        return await _hop(
            self._write_threads, partial(_transact, self._writing, self._begin_writing, _bound(work, *args, **kwargs))
        )

    async def write_if_free(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `write`, but give up after a tenth of a second when another process holds the write lock.

        For what is nice to have and must not hold up what is not.
        """
        return await _hop(
            self._write_threads, partial(_hurry, self._writing, self._begin_writing, _bound(work, *args, **kwargs))
        )

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, *args)` against one consistent snapshot; it must not write.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        return await _hop(
            self._read_threads, partial(_transact, self._reading, self._begin_reading, _bound(work, *args, **kwargs))
        )

    def write_and_wait(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `write` from synchronous code that is not on an event loop's thread."""
        return _submit(
            self._write_threads, partial(_transact, self._writing, self._begin_writing, _bound(work, *args, **kwargs))
        ).result()

    async def close(self) -> None:
        """Take no more work, finish what was taken, and close every connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._write_threads.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self._writing.dispose()
        self._reading.dispose()


def unavailable(error: DBAPIError) -> DatabaseUnavailable | None:
    """Return what `error` means when the database itself is the trouble, or None when the statement is."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}:
            return None
    elif not (
        error.connection_invalidated
        or isinstance(error, (OperationalError, InterfaceError))
        or type(error) is DatabaseError
    ):
        return None
    return DatabaseUnavailable(f"the database is not available: {original}")


def _bound(work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[Connection], T]:
    return lambda connection: work(connection, *args, **kwargs)


def _transact(engine: Engine, begin: str | None, work: Callable[[Connection], T]) -> T:
    try:
        with engine.begin() as connection:
            if begin is not None:
                connection.exec_driver_sql(begin)
            return work(connection)
    except DBAPIError as error:
        meaning = unavailable(error)
        if meaning is None:
            raise
        raise meaning from error
    except PoolTimeoutError as error:
        raise DatabaseUnavailable(f"the database is not available: {error}") from error


def _hurry(engine: Engine, begin: str | None, work: Callable[[Connection], T]) -> T:
    if engine.dialect.name != "sqlite":
        return _transact(engine, begin, work)
    # The pool has one connection and this is its only thread: the transaction gets the connection set here.
    _set_busy_timeout(engine, _SHORT_BUSY_TIMEOUT_MS)
    try:
        return _transact(engine, begin, work)
    finally:
        _set_busy_timeout(engine, int(BUSY_TIMEOUT_S * 1000))


def _set_busy_timeout(engine: Engine, milliseconds: int) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute(f"PRAGMA busy_timeout = {milliseconds}")
    finally:
        raw.close()


def _submit(threads: ThreadPoolExecutor, job: Callable[[], T]) -> Future[T]:
    try:
        return threads.submit(job)
    except RuntimeError as error:
        raise DatabaseUnavailable("the database is closed") from error


async def _hop(threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
    return await asyncio.wrap_future(_submit(threads, job))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _sqlite_engine(url: URL, *, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        # The driver must not begin transactions by itself: it would begin them late, and never for a SELECT.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
        pool_size=pool_size,
        max_overflow=0,
        json_serializer=_compact,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The journal mode is a property of the file and was set when the file was migrated.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    event.listen(engine, "connect", prepare)
    return engine


def _pooled_engine(url: URL) -> Engine:
    return create_engine(url, pool_size=2 * _POOL_SIZE, max_overflow=0, pool_pre_ping=True, json_serializer=_compact)
