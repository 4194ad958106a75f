"""Bringing a database to this code's schema, safely when several processes start at once."""

import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from flowforge.errors import StartupError
from flowforge.persistence.postgres import plain

PATIENCE_S: Final = 60.0
"""How long a process that starts waits for another that migrates."""

_ADVISORY_LOCK: Final = 7_036_874_417_766_423
_LOCK_NOT_AVAILABLE: Final = "55P03"


def migrate(url: str, *, revision: str = "head", patience_s: float = PATIENCE_S) -> None:
    """Bring the database at an SQLAlchemy `url` up to date, making it (and its folder) where there is none.

    The whole upgrade is one transaction that begins by taking a lock in the database itself, so two never run at once:
    the second waits, and finds nothing left to do, or is refused.

    Args:
        url: the database.
        revision: how far to go; everywhere but in tests to the end.
        patience_s: how long to wait for another process that migrates.

    Raises:
        StartupError: another process is still at it, the database is newer than this code, or cannot be reached, made
            or written; one line.
    """
    target = plain(make_url(url))
    if target.get_backend_name() == "sqlite":
        _make_folder(target)
    try:
        _upgrade(target, revision, patience_s)
    except DBAPIError as error:
        where = target.database if target.get_backend_name() == "sqlite" else target.render_as_string()
        if _is_taken(error):
            raise StartupError(
                f"another process is migrating the database {where} or keeps it locked; try again when it is done"
            ) from error
        reason = str(error.orig).strip().replace("\n", " ")
        raise StartupError(f"the database {where} cannot be used: {reason}; see DATABASE_URL") from error


def _is_taken(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code == sqlite3.SQLITE_BUSY or getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _make_folder(url: URL) -> None:
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"the folder {folder} for the database cannot be made ({error.strerror}); see FLOWFORGE_DB_PATH"
        ) from error


def _upgrade(url: URL, revision: str, patience_s: float) -> None:
    sqlite = url.get_backend_name() == "sqlite"
    asked: dict[str, Any] = {"isolation_level": None, "timeout": patience_s} if sqlite else {"connect_timeout": 5}
    engine = create_engine(url, connect_args=asked, poolclass=NullPool)
    if sqlite:
        event.listen(engine, "connect", partial(_use_write_ahead_log, patience_s))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if not sqlite:
                # For a table's lock, too: behind a change of a table that waits, everybody waits.
                connection.exec_driver_sql(f"set local lock_timeout = {max(1, round(patience_s * 1000))}")
                connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            _run(connection, revision)
    finally:
        engine.dispose()


def _use_write_ahead_log(patience_s: float, connection: sqlite3.Connection, _record: object) -> None:
    # Switching a new file fails at once, whatever the timeout, while another process switches it.
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
        else:
            return


def _run(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    present = MigrationContext.configure(connection).get_current_heads()
    unknown = sorted(set(present) - known)
    if unknown:
        raise StartupError(
            f"the database is newer than this FlowForge (its revision {', '.join(unknown)} is unknown here); "
            "update FlowForge, or use the version that migrated the database"
        )
    if set(present) != set(scripts.get_heads()):
        alembic.command.upgrade(config, revision)
