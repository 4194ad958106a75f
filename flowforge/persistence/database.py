"""One database, used by async code: a unit of work is a plain function of a connection, run in one thread hop."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from flowforge.errors import DatabaseUnavailable
from flowforge.persistence.outage import translated
from flowforge.persistence.postgres import compact_json, is_collision, plain, pooled_engine, wait_at_most
from flowforge.persistence.writer import Writer

BUSY_TIMEOUT_S: Final = 5.0
"""How long a transaction waits for another's lock. Steps must be given more time than this."""

_SHORT_BUSY_TIMEOUT_MS: Final = 100
_POOL_SIZE: Final = 8
_TRIES: Final = 3
"""How often a unit of work is begun that collides with others: two can collide with it one after the other."""

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Connection, P], T]


class Database:
    """Runs units of work, each in one transaction, or in one with others that came at the same time.

    On SQLite all writes of the process go through one thread (see `writer`), so that they queue instead of fighting for
    the lock, and begin with BEGIN IMMEDIATE: a transaction that reads first and writes later would otherwise fail when
    another process wrote in between. Readers have connections of their own, and are never held up by a writer.

    On Postgres they run side by side. One that fails only because of another (both inserted the same key, a deadlock)
    is rolled back and run again, so a unit of work does nothing that cannot be done twice.

    A caller that is cancelled while its work runs does not stop it: the transaction goes on and may commit.
    """

    def __init__(self, url: str) -> None:
        """Prepare access to the database at an SQLAlchemy `url`; nothing is opened yet."""
        self.url: Final = plain(make_url(url))
        self._writing: Writer | _Threads
        if self.url.get_backend_name() == "sqlite":
            self._writing = Writer(_sqlite_engine(self.url, pool_size=1), busy_timeout_ms=int(BUSY_TIMEOUT_S * 1000))
            # Said by ourselves: the driver would say it late, and an event of SQLAlchemy slows every statement.
            self._reading = _Threads(_sqlite_engine(self.url, pool_size=_POOL_SIZE), "database-read", begin="BEGIN")
        else:
            engine = pooled_engine(self.url, size=2 * _POOL_SIZE, lock_timeout_s=BUSY_TIMEOUT_S)
            self._writing = _Threads(engine, "database-write", tries=_TRIES)
            one_moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._reading = _Threads(one_moment, "database-read")

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, *args)` in a transaction; commit when it returns, roll back when it raises.

        Raises:
            DatabaseUnavailable: nothing was written, unless the connection was lost in the very commit.
        """
        return await asyncio.wrap_future(self._writing.submit(_bound(work, *args, **kwargs)))

    async def write_if_free(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `write`, but give up after a tenth of a second when another process holds the write lock.

        For what is nice to have and must not hold up what is not.
        """
        job = _bound(work, *args, **kwargs)
        return await asyncio.wrap_future(self._writing.submit(job, busy_timeout_ms=_SHORT_BUSY_TIMEOUT_MS))

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, *args)` against one consistent snapshot; it must not write.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        return await asyncio.wrap_future(self._reading.submit(_bound(work, *args, **kwargs)))

    def write_and_wait(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `write` from synchronous code that is not on an event loop's thread."""
        return self._writing.submit(_bound(work, *args, **kwargs)).result()

    async def close(self) -> None:
        """Take no more work, finish what was taken, and close every connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writing.close()
        self._reading.close()


class _Threads:
    """Runs units of work side by side, each in a thread of several and in a transaction of its own."""

    def __init__(self, engine: Engine, name: str, *, begin: str | None = None, tries: int = 1) -> None:
        self._engine = engine
        self._begin = begin
        self._tries = tries
        self._pool = ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix=name)

    def submit(self, work: Callable[[Connection], T], *, busy_timeout_ms: int | None = None) -> Future[T]:
        try:
            return self._pool.submit(self._run, work, busy_timeout_ms)
        except RuntimeError as error:
            raise DatabaseUnavailable("the database is closed") from error

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T], busy_timeout_ms: int | None) -> T:
        tries = self._tries
        while True:
            tries -= 1
            try:
                with self._engine.begin() as connection:
                    if self._begin is not None:
                        connection.exec_driver_sql(self._begin)
                    if busy_timeout_ms is not None:
                        wait_at_most(connection, busy_timeout_ms)
                    return work(connection)
            except Exception as error:
                if tries > 0 and is_collision(error):
                    continue
                meaning = translated(error)
                if meaning is error:
                    raise
                raise meaning from error


def _bound(work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[Connection], T]:
    return lambda connection: work(connection, *args, **kwargs)


def _sqlite_engine(url: URL, *, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        # The driver must not begin transactions by itself: it would begin them late, and never for a SELECT.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
        pool_size=pool_size,
        max_overflow=0,
        json_serializer=compact_json,
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The journal mode is a property of the file and was set when the file was migrated.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    event.listen(engine, "connect", prepare)
    return engine
