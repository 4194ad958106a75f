"""Upgrades of databases that are in use: from every revision, with rows in every table, on either database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, Connection, Float, Integer, MetaData, String, Table, create_engine, text
from sqlalchemy.engine import make_url

from flowforge.errors import StartupError
from flowforge.orders.audit import audit
from flowforge.persistence import migrations
from flowforge.persistence.database import Database
from flowforge.persistence.migrations.migrate import migrate
from flowforge.persistence.postgres import plain
from flowforge.persistence.tables.metadata import METADATA
from tests.postgres import PostgresServer

# What a table's own checks let pass, where that is not any number or text.
_CHOICES: Final[dict[tuple[str, str], object]] = {
    ("ledger", "state"): "applied",
    ("reservations", "state"): "open",
    ("reservations", "quantity"): 1,
    ("charges", "status"): "charged",
    ("charges", "phase"): "captured",
    ("charges", "captured_minor"): 1999,
    ("refunds", "amount_minor"): 5,
    ("warehouse_records", "status"): "applied",
    ("orders", "status"): "running",
    ("shipments", "status"): "booked",
    ("executions", "status"): "running",
}
_LINKS: Final = frozenset({"order_id", "product_id", "charge_id", "execution_id"})
"""Columns that name another table's row, that of the same revision, although no foreign key says so."""

Rows = dict[str, dict[str, Any]]


def revisions() -> list[str]:
    """Return every revision, the oldest first."""
    [folder] = migrations.__path__
    config = Config()
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a transaction without anything of ours around it."""
    engine = create_engine(plain(make_url(url)))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def plant(url: str, revision: str) -> Rows:
    """Put a row into every table that there is; return the rows."""
    present, planted = MetaData(), dict[str, dict[str, Any]]()
    with connected(url) as connection:
        present.reflect(connection)
        for table in present.sorted_tables:
            if table.name == "alembic_version":
                continue
            row = {column.name: value for column in table.c if (value := _value(table, column, revision)) is not None}
            connection.execute(table.insert(), row)
            planted[table.name] = row
    return planted


def _name(column: Column[Any]) -> str:
    for link in column.foreign_keys:
        return _name(link.column)
    return column.name if column.name in _LINKS else f"{column.table.name}.{column.name}"


def _value(table: Table, column: Column[Any], revision: str) -> object:
    counts_up = isinstance(column.type, Integer) and table.primary_key.columns.keys() == [column.name]
    name = _name(column)
    number = None if counts_up else 0
    by_type = {JSON: {"at": revision}, Boolean: False, Float: 0.5, Integer: number, String: f"{name} {revision}"}
    of_its_type = next(value for kind, value in by_type.items() if isinstance(column.type, kind))
    return _CHOICES.get((table.name, column.name), "USD" if column.name == "currency" else of_its_type)


def see_rows(url: str, planted: Rows) -> None:
    """See that every planted row is still there, in every column that there still is."""
    present = MetaData()
    with connected(url) as connection:
        present.reflect(connection)
        for name, row in planted.items():
            table = present.tables[name]
            expected = {key: value for key, value in row.items() if key in table.c}
            rows = connection.execute(table.select()).mappings().all()
            assert [each for each in rows if all(each[key] == expected[key] for key in expected)], f"{name}: {row}"


def see_up_to_date(url: str) -> None:
    """See that the tables are those of the code, and that the code can read them."""
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []

    async def read() -> None:
        database = Database(url)
        await database.read(audit)
        await database.close()

    asyncio.run(read())


@pytest.mark.parametrize("revision", revisions())
def test_upgrade_from_each_revision_keeps_every_row(empty_url: str, revision: str) -> None:
    migrate(empty_url, revision=revision)
    planted = plant(empty_url, revision)
    assert planted
    migrate(empty_url)
    see_rows(empty_url, planted)
    see_up_to_date(empty_url)


def test_upgrade_of_a_database_that_was_in_use_at_every_revision_keeps_every_row(empty_url: str) -> None:
    planted = []
    for revision in revisions():
        migrate(empty_url, revision=revision)
        planted.append(plant(empty_url, revision))
    for rows in planted:
        see_rows(empty_url, rows)
    see_up_to_date(empty_url)


def test_upgrade_that_fails_half_way_leaves_the_database_as_it_was(empty_url: str) -> None:
    first, *_between, last = revisions()
    migrate(empty_url, revision=first)
    planted = plant(empty_url, first)
    with connected(empty_url) as connection:
        # In the way of a table that a later revision makes.
        connection.execute(text("create table leases (x integer)"))
    with pytest.raises(StartupError, match="leases"):
        migrate(empty_url)
    with connected(empty_url) as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (first,)
        connection.execute(text("drop table leases"))
    see_rows(empty_url, planted)
    migrate(empty_url)
    see_rows(empty_url, planted)
    with connected(empty_url) as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (last,)


def test_upgrade_is_refused_in_one_line_while_another_runs(empty_url: str) -> None:
    first = revisions()[0]
    migrate(empty_url, revision=first)
    engine = create_engine(plain(make_url(empty_url)))
    with engine.connect() as other:
        if other.dialect.name == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.exec_driver_sql("select pg_advisory_xact_lock(7036874417766423)")
        with pytest.raises(StartupError, match="another process is migrating") as refused:
            migrate(empty_url, patience_s=0.05)
        assert "\n" not in refused.value.message
    engine.dispose()
    with connected(empty_url) as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (first,)
    migrate(empty_url)
