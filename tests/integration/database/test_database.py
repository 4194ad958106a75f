"""The database under several writers, under cancellation, and when it fails."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from flowforge.errors import DatabaseUnavailable
from flowforge.persistence.database import Database

_RENAME = text("update products set name = :name where product_id = 'SKU-001'")
_LOCK = text("update products set on_hand = on_hand where product_id = 'SKU-001'")
_NAME = text("select name from products where product_id = 'SKU-001'")


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{file}")
    yield database
    await database.close()


@pytest.fixture
async def either(database_url: str) -> AsyncIterator[Database]:
    """A database of each kind: what takes it holds of both."""
    database = Database(database_url)
    yield database
    await database.close()


def rename(connection: Connection, name: str) -> None:
    connection.execute(_RENAME, {"name": name})


def rename_if(connection: Connection, name: str, to: str) -> None:
    connection.execute(_LOCK)  # waits for who writes it
    if name_of(connection) == name:
        rename(connection, to)


def name_of(connection: Connection) -> str:
    return str(connection.execute(_NAME).scalar())


async def test_write_commits_and_read_sees_it(either: Database) -> None:
    await either.write(rename, "new")
    assert await either.read(name_of) == "new"


async def test_write_that_raises_leaves_nothing(either: Database) -> None:
    def fail(connection: Connection) -> None:
        rename(connection, "never")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await either.write(fail)
    assert await either.read(name_of) != "never"


async def test_every_connection_syncs_fully_and_checks_foreign_keys(database: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1, 5000]
    assert await database.read(pragmas) == ["wal", 2, 1, 5000]


async def test_two_databases_that_read_and_then_write_lose_no_update(file: Path) -> None:
    def count_up(connection: Connection) -> None:
        now = int(connection.execute(_NAME).scalar_one())
        rename(connection, str(now + 1))

    databases = [Database(f"sqlite:///{file}") for _ in range(3)]
    await databases[0].write(rename, "0")
    await asyncio.gather(*(database.write(count_up) for database in databases for _ in range(100)))
    assert await databases[0].read(name_of) == "300"
    await asyncio.gather(*(database.close() for database in databases))


async def test_readers_are_not_held_up_by_a_writer_and_see_one_moment(either: Database) -> None:
    before = await either.read(name_of)
    loop = asyncio.get_running_loop()
    seen: asyncio.Future[str] = loop.create_future()

    def read_meanwhile(connection: Connection) -> None:
        rename(connection, "half done")
        reading = asyncio.run_coroutine_threadsafe(either.read(name_of), loop)
        loop.call_soon_threadsafe(seen.set_result, reading.result(timeout=10))

    await either.write(read_meanwhile)
    assert await seen == before
    assert await either.read(name_of) == "half done"


async def test_hurried_write_gives_up_while_another_process_writes(file: Path, database: Database) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable, match="locked"):
        await database.write_if_free(rename, "x")
    other.execute("ROLLBACK")
    other.close()
    await database.write_if_free(rename, "y")
    assert await database.read(name_of) == "y"


async def test_cancelled_caller_does_not_stop_its_transaction(either: Database) -> None:
    loop = asyncio.get_running_loop()
    begun, go_on = asyncio.Event(), asyncio.Event()

    def slow(connection: Connection) -> None:
        rename(connection, "kept")
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(timeout=10)

    task = asyncio.create_task(either.write(slow))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await either.write(rename_if, "kept", "seen")
    assert await either.read(name_of) == "seen"


async def test_close_finishes_what_was_taken_and_takes_no_more(database_url: str) -> None:
    database = Database(database_url)
    writes = [asyncio.ensure_future(database.write(rename, str(number))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    for use in (database.write, database.read):
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await use(name_of)


async def test_full_disk_is_unavailable_and_passes(database: Database) -> None:
    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        rename(connection, "x" * 1_000_000)

    with pytest.raises(DatabaseUnavailable, match="full"):
        await database.write(fill)

    def room(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        rename(connection, "room again")

    await database.write(room)
    assert await database.read(name_of) == "room again"


async def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no database at all" * 100)
    database = Database(f"sqlite:///{garbage}")
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        await database.read(name_of)
    await database.close()


async def test_folder_that_is_gone_is_unavailable(tmp_path: Path, file: Path) -> None:
    moved = tmp_path / "folder" / "moved.sqlite3"
    moved.parent.mkdir()
    shutil.copy(file, moved)
    database = Database(f"sqlite:///{moved}")
    shutil.rmtree(moved.parent)
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        await database.write(rename, "x")
    await database.close()


async def test_mistake_in_a_statement_is_not_taken_for_an_outage(either: Database) -> None:
    def twice(connection: Connection) -> None:
        connection.exec_driver_sql("insert into products select * from products")

    with pytest.raises(IntegrityError):
        await either.write(twice)


async def test_write_and_wait_works_from_a_thread(either: Database) -> None:
    await asyncio.to_thread(either.write_and_wait, rename, "from a thread")
    assert await either.read(name_of) == "from a thread"


async def held(database: Database) -> tuple[asyncio.Task[None], asyncio.Event]:
    """Occupy the writer, so that what is written next queues up; setting the event lets it go on."""
    loop = asyncio.get_running_loop()
    begun, go_on = asyncio.Event(), asyncio.Event()

    def hold(_connection: Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(timeout=10)

    holding = asyncio.create_task(database.write(hold))
    await begun.wait()
    return holding, go_on


async def together(database: Database, *works: Callable[[Connection], object]) -> list[object]:
    """Write so that all of `works` are taken at once; return what each gave or raised."""
    holding, go_on = await held(database)
    writing = [asyncio.ensure_future(database.write(work)) for work in works]
    await asyncio.sleep(0)
    go_on.set()
    await holding
    return await asyncio.gather(*writing, return_exceptions=True)


def stock_of(product_id: str, name: str) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.exec_driver_sql("update products set name = ? where product_id = ?", (name, product_id))
        return name

    return work


async def names(database: Database) -> list[str]:
    return await database.read(
        lambda connection: [row[0] for row in connection.exec_driver_sql("select name from products order by 1")]
    )


async def test_writes_that_come_together_are_each_answered(database: Database) -> None:
    answers = await together(database, stock_of("SKU-001", "a"), stock_of("SKU-002", "b"), stock_of("SKU-003", "c"))
    assert answers == ["a", "b", "c"]
    assert await names(database) == ["a", "b", "c"]


async def test_write_that_fails_among_others_leaves_nothing_and_takes_none_with_it(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        rename(connection, "never")
        raise ValueError("no")

    def collide(connection: Connection) -> None:
        rename(connection, "never either")
        connection.exec_driver_sql("insert into products select * from products")

    first, refused, collided, last = await together(
        database, stock_of("SKU-001", "a"), refuse, collide, lambda connection: name_of(connection) + "!"
    )
    assert (first, last) == ("a", "a!")
    assert isinstance(refused, ValueError)
    assert isinstance(collided, IntegrityError)
    assert await database.read(name_of) == "a"


async def test_writes_that_come_together_fail_together_where_the_disk_is_full(database: Database) -> None:
    before = await names(database)
    pages = await database.read(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar())
    await database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))
    answers = await together(database, stock_of("SKU-001", "a"), stock_of("SKU-002", "x" * 1_000_000))
    assert all(isinstance(answer, DatabaseUnavailable) or answer == "a" for answer in answers)
    assert isinstance(answers[1], DatabaseUnavailable)
    # Who was told that it is written finds it written, and who was not does not.
    after = await names(database)
    assert ("a" in after) == (answers[0] == "a")
    assert [name for name in after if name != "a"] == [name for name in before if name in after]


async def test_write_cancelled_while_it_waits_its_turn_never_runs(database: Database) -> None:
    holding, go_on = await held(database)
    waiting = asyncio.ensure_future(database.write(rename, "never"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await holding
    await database.write(lambda _connection: None)
    assert await database.read(name_of) != "never"


async def test_no_write_is_answered_before_its_commit(file: Path, database: Database) -> None:
    reader = sqlite3.connect(file, isolation_level=None)
    seen: list[object] = []

    async def write(name: str) -> None:
        await database.write(rename, name)
        seen.append(reader.execute("select name from products where product_id = 'SKU-001'").fetchone()[0])

    await asyncio.gather(*(write(f"{number:03}") for number in range(200)))
    assert [str(name) >= f"{number:03}" for number, name in enumerate(seen)] == [True] * 200
    reader.close()
