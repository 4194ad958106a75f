"""The writing thread of an SQLite database: units of work that have queued up meanwhile are committed together.

A commit waits for the disk, and while it does, other units of work come. Each of them runs in a savepoint of its own,
so that one that fails leaves nothing and takes nothing with it; nobody is answered before the commit has succeeded.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from flowforge.errors import DatabaseUnavailable
from flowforge.persistence.outage import translated

_MOST_AT_ONCE: Final = 64
"""How many units of work are committed together at most: another process must get its turn."""

_BEGIN: Final = "BEGIN IMMEDIATE"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A unit of work and who waits for it.

    Attributes:
        busy_timeout_ms: how long it waits for another process's lock, where not as long as the others.
    """

    work: Callable[[Connection], Any]
    busy_timeout_ms: int | None = None
    answer: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a unit of work among others raised, when nothing of it is left."""

    error: Exception


class Writer:
    """Runs units of work one after the other in a thread of its own, on a connection of its own.

    Args:
        engine: an engine of one connection.
        busy_timeout_ms: how long its connection waits for another process's lock.
    """

    def __init__(self, engine: Engine, *, busy_timeout_ms: int) -> None:
        self._engine = engine
        self._busy_timeout_ms = busy_timeout_ms
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._taking = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="database-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T], *, busy_timeout_ms: int | None = None) -> Future[T]:
        """Have `work` run in a transaction; the future gets its answer when that is committed.

        Args:
            work: the unit of work.
            busy_timeout_ms: how long it waits for another process's lock; it then gets a transaction of its own.

        Raises:
            DatabaseUnavailable: the writer is closed.
        """
        job = _Job(work, busy_timeout_ms)
        with self._taking:
            if self._is_closed:
                raise DatabaseUnavailable("the database is closed")
            self._jobs.put(job)
        return job.answer

    def close(self) -> None:
        """Take no more, finish what was taken, and close the connection; blocks."""
        with self._taking:
            if not self._is_closed:
                self._is_closed = True
                self._jobs.put(None)
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        connection: Connection | None = None
        goes_on = True
        while goes_on:
            jobs, goes_on = self._take()
            try:
                connection = connection or self._engine.connect()
            except Exception as error:  # noqa: BLE001 -- whoever waits is told
                _fail(jobs, error)
                continue
            for group in _groups(jobs):
                self._commit(connection, group)
        if connection is not None:
            connection.close()

    def _take(self) -> tuple[list[_Job], bool]:
        """Wait for a job; return it with those behind it, and whether more may come."""
        found, jobs = self._jobs.get(), list[_Job]()
        while found is not None:
            if found.answer.set_running_or_notify_cancel():
                jobs.append(found)
            if len(jobs) == _MOST_AT_ONCE:
                return jobs, True
            try:
                found = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _commit(self, connection: Connection, jobs: list[_Job]) -> None:
        try:
            outcomes = self._transact(connection, jobs)
        except Exception as error:  # noqa: BLE001 -- whoever waits is told
            if len(jobs) == 1 or isinstance(translated(error), DatabaseUnavailable):
                _fail(jobs, error)
                return
            # Not the database's trouble but one of theirs, which a savepoint could not contain: each for itself then.
            for job in jobs:
                self._commit(connection, [job])
        else:
            for job, outcome in zip(jobs, outcomes, strict=True):
                if isinstance(outcome, _Failed):
                    job.answer.set_exception(translated(outcome.error))
                else:
                    job.answer.set_result(outcome)

    def _transact(self, connection: Connection, jobs: list[_Job]) -> list[Any]:
        if jobs[0].busy_timeout_ms is not None:
            _set_busy_timeout(connection, jobs[0].busy_timeout_ms)
        try:
            with connection.begin():
                connection.exec_driver_sql(_BEGIN)
                if len(jobs) == 1:
                    return [jobs[0].work(connection)]
                return [_in_savepoint(connection, job.work) for job in jobs]
        finally:
            if jobs[0].busy_timeout_ms is not None:
                _set_busy_timeout(connection, self._busy_timeout_ms)


def _groups(jobs: list[_Job]) -> list[list[_Job]]:
    groups: list[list[_Job]] = []
    for job in jobs:
        if job.busy_timeout_ms is None and groups and groups[-1][0].busy_timeout_ms is None:
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def _in_savepoint(connection: Connection, work: Callable[[Connection], Any]) -> Any:
    # Said to the driver: SQLAlchemy's own savepoints cost as much as a unit of work's statements.
    sqlite = connection.connection.driver_connection
    assert sqlite is not None  # noqa: S101 -- for the type: there is one while the connection is open
    sqlite.execute("SAVEPOINT unit_of_work")
    try:
        outcome = work(connection)
    except Exception as error:
        if not sqlite.in_transaction:
            raise  # SQLite has rolled everything back, the others' work too
        sqlite.execute("ROLLBACK TO unit_of_work")
        outcome = _Failed(error)
    sqlite.execute("RELEASE unit_of_work")
    return outcome


def _fail(jobs: list[_Job], error: Exception) -> None:
    for job in jobs:
        job.answer.set_exception(translated(error))


def _set_busy_timeout(connection: Connection, milliseconds: int) -> None:
    sqlite = connection.connection.driver_connection
    assert sqlite is not None  # noqa: S101 -- for the type: there is one while the connection is open
    sqlite.execute(f"PRAGMA busy_timeout = {milliseconds}")
