"""Bringing databases up to date, as processes do when they start."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from flowforge.errors import StartupError
from flowforge.persistence.migrations.migrate import migrate
from flowforge.persistence.tables.metadata import METADATA


def test_new_database_has_the_tables_of_the_code_and_a_balanced_catalogue(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/er/flowforge.sqlite3"
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        rows = connection.exec_driver_sql(
            "select p.product_id, p.unit_price_minor, p.on_hand - m.delta from products p "
            "join stock_movements m using (product_id) order by 1"
        ).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("SKU-001", 1999, 0), ("SKU-002", 4950, 0), ("SKU-003", 1275, 0)]


def test_indices_and_checks_are_those_of_the_code(tmp_path: Path) -> None:
    migrated, created = tmp_path / "migrated", tmp_path / "created"
    migrate(f"sqlite:///{migrated}")
    engine = create_engine(f"sqlite:///{created}")
    METADATA.create_all(engine)
    engine.dispose()

    def schema(file: Path) -> dict[str, set[str]]:
        connection = sqlite3.connect(file)
        rows = connection.execute("select name, sql from sqlite_master where sql is not null").fetchall()
        connection.close()
        # The order of a table's constraints differs, and means nothing.
        return {
            name: set(" ".join(sql.replace('"', "").split()).replace("(", "( ").split(", "))
            for name, sql in rows
            if name != "alembic_version" and "CREATE INDEX" in sql
        }

    assert schema(migrated) == schema(created)


def test_second_time_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "flowforge.sqlite3"
    migrate(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    connection.execute("update products set name = 'Mine'")
    connection.commit()
    before = list(connection.iterdump())
    migrate(f"sqlite:///{file}")
    assert list(connection.iterdump()) == before
    connection.close()


def test_many_processes_may_start_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/flowforge.sqlite3"
    code = f"from flowforge.persistence.migrations.migrate import migrate; migrate({url!r})"
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code], stderr=subprocess.PIPE)  # noqa: S603
        for _ in range(6)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    connection = sqlite3.connect(tmp_path / "new" / "flowforge.sqlite3")
    assert connection.execute("select count(*) from products").fetchone() == (3,)
    connection.close()


def test_newer_database_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "flowforge.sqlite3"
    migrate(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    connection.execute("update alembic_version set version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StartupError, match=r"newer than this FlowForge .*9999") as refused:
        migrate(f"sqlite:///{file}")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("where", ["file/flowforge.sqlite3", "folder"])
def test_place_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StartupError) as refused:
        migrate(f"sqlite:///{tmp_path / where}")
    assert str(tmp_path) in refused.value.message
    assert "\n" not in refused.value.message


def test_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_bytes(b"no database at all" * 100)
    with pytest.raises(StartupError, match="not a database"):
        migrate(f"sqlite:///{tmp_path / 'garbage'}")
