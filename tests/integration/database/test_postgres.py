"""Postgres in trouble: connections lost at the worst moment, locks that are not given back, restarts under load."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from flowforge.errors import DatabaseUnavailable
from flowforge.persistence.database import Database
from flowforge.services.ledger import SqlLedger
from flowforge.services.payments.sql import SqlPayments
from tests.contract.worlds import RememberingJournal, charging
from tests.integration.database.cut import proxied
from tests.postgres import PostgresServer

_RENAME = text("update products set name = :name where product_id = :id")
_COUNT_UP = text("update products set available = available + 1, on_hand = on_hand + 1 where product_id = :id")


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    yield database
    await database.close()


def name_of(postgres_url: str) -> str:
    return str(make_url(postgres_url).database)


def rename(connection: Connection, product_id: str, name: str) -> None:
    connection.execute(_RENAME, {"name": name, "id": product_id})


def payments(database: Database) -> SqlPayments:
    return SqlPayments(database, SqlLedger(database, RememberingJournal()))


async def test_commit_whose_answer_is_lost_is_found_by_the_redelivery(
    postgres: PostgresServer, postgres_url: str
) -> None:
    async with proxied(postgres, postgres_url) as (proxy, database):
        with pytest.raises(DatabaseUnavailable):
            await payments(database).charge(charging())
        assert proxy.cuts == 1
        proxy.may_cut = False
        [made] = await payments(database).payments()
        charge = await payments(database).charge(charging(attempt=2))
        assert charge.charge_id == made.charge_id
        assert len(await payments(database).payments()) == 1


async def test_connection_terminated_in_the_commit_leaves_nothing_and_the_redelivery_brings_it_about(
    postgres: PostgresServer, postgres_url: str, database: Database
) -> None:
    name = name_of(postgres_url)
    # A constraint that is checked in the commit, and waits there for a lock of ours.
    postgres.execute(
        """
        create function wait() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock(7); return null; end'
        """,
        name,
    )
    postgres.execute(
        "create constraint trigger at_commit after insert on ledger deferrable initially deferred "
        "for each row execute function wait()",
        name,
    )
    commits = (
        f"select pid from pg_locks join pg_database d on d.oid = database where datname = '{name}' and not granted"  # noqa: S608 -- a name of our own
    )
    async with _held(database, text("select pg_advisory_xact_lock(7)")):
        charging_once = asyncio.create_task(payments(database).charge(charging()))
        while not (found := await asyncio.to_thread(postgres.execute, commits)):  # noqa: ASYNC110 -- the server has no event for it
            await asyncio.sleep(0.01)
        postgres.execute(f"select pg_terminate_backend({found[0][0]})")
        with pytest.raises(DatabaseUnavailable, match="terminat"):
            await charging_once
        assert await payments(database).payments() == []
    charge = await payments(database).charge(charging(attempt=2))
    assert [made.charge_id for made in await payments(database).payments()] == [charge.charge_id]


async def test_restart_under_load_loses_no_answered_write_and_the_pool_heals(
    postgres: PostgresServer, database: Database
) -> None:
    answered, failed, more = 0, 0, asyncio.Condition()
    enough = asyncio.Event()

    def count_up(connection: Connection) -> None:
        connection.execute(_COUNT_UP, {"id": "SKU-001"})

    def on_hand(connection: Connection) -> int:
        return int(connection.execute(text("select on_hand from products where product_id = 'SKU-001'")).scalar_one())

    async def write_on() -> None:
        nonlocal answered, failed
        while not enough.is_set():
            try:
                await database.write(count_up)
            except DatabaseUnavailable:
                failed += 1
                await asyncio.sleep(0.01)
            else:
                answered += 1
            async with more:
                more.notify_all()

    async def hundred_more() -> None:
        goal = answered + 100
        async with more:
            await more.wait_for(lambda: answered >= goal)

    before = await database.read(on_hand)
    writers = [asyncio.create_task(write_on()) for _ in range(8)]
    for at_once in (False, True):
        await hundred_more()
        await asyncio.to_thread(postgres.stop, at_once=at_once)
        await asyncio.to_thread(postgres.start)
    await hundred_more()
    enough.set()
    await asyncio.gather(*writers)
    assert failed > 0
    # Of each write that failed it is unknown whether it was committed; there are no others.
    assert answered <= await database.read(on_hand) - before <= answered + failed
    await asyncio.gather(*(database.write(count_up) for _ in range(32)), *(database.read(on_hand) for _ in range(32)))


async def test_connections_ended_while_nobody_used_them_are_not_noticed(
    postgres: PostgresServer, postgres_url: str, database: Database
) -> None:
    await asyncio.gather(*(database.read(_setting, "lock_timeout") for _ in range(32)))
    postgres.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name_of(postgres_url)}'"  # noqa: S608 -- a name of our own
    )
    await asyncio.gather(*(database.write(rename, "SKU-001", str(number)) for number in range(32)))


async def test_deadlock_is_solved_by_running_the_loser_again(database: Database) -> None:
    both_hold = threading.Barrier(2)
    runs = 0

    def cross(first: str, second: str, connection: Connection) -> None:
        nonlocal runs
        runs += 1
        rename(connection, first, first)
        if runs <= 2:
            both_hold.wait(10)
        rename(connection, second, first)

    await asyncio.gather(
        database.write(partial(cross, "SKU-001", "SKU-002")), database.write(partial(cross, "SKU-002", "SKU-001"))
    )
    assert runs >= 3  # the loser may be back before the winner has woken, and lose once more


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_failure_through_others_that_goes_on_is_unavailable(database: Database, state: str) -> None:
    runs = 0

    def collide(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        connection.exec_driver_sql(f"do $$ begin raise exception 'again' using errcode = '{state}'; end $$")

    with pytest.raises(DatabaseUnavailable, match="again"):
        await database.write(collide)
    assert runs == 3


async def test_key_that_is_taken_for_good_is_a_mistake(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(
            lambda connection: connection.exec_driver_sql("insert into products select * from products")
        )


async def test_server_that_became_read_only_is_unavailable(database: Database) -> None:
    def write(connection: Connection) -> None:
        connection.exec_driver_sql("set transaction read only")
        rename(connection, "SKU-001", "x")

    with pytest.raises(DatabaseUnavailable, match="read-only"):
        await database.write(write)


async def test_lock_that_is_not_given_back_is_waited_for_no_longer_than_on_sqlite(database: Database) -> None:
    assert await database.write(_setting, "lock_timeout") == "5s"
    assert await database.write_if_free(_setting, "lock_timeout") == "100ms"
    async with _held(database, text("select 1 from products for update")):
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            await database.write_if_free(rename, "SKU-001", "x")
    assert await database.write(_setting, "lock_timeout") == "5s"


async def test_locks_of_a_worker_that_freezes_are_given_back(database: Database) -> None:
    assert await database.write(_setting, "idle_in_transaction_session_timeout") == "10s"

    def freeze(connection: Connection) -> None:
        connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 50")
        rename(connection, "SKU-001", "never")
        loop.call_soon_threadsafe(frozen_now.set)
        asyncio.run_coroutine_threadsafe(thawed.wait(), loop).result(20)
        connection.exec_driver_sql("select 1")

    loop, frozen_now, thawed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    frozen = asyncio.create_task(database.write(freeze))
    await frozen_now.wait()
    await database.write(rename, "SKU-002", "free")
    await database.write(rename, "SKU-001", "mine")
    thawed.set()
    with pytest.raises(DatabaseUnavailable):
        await frozen
    names = await database.read(
        lambda connection: connection.exec_driver_sql("select name from products order by product_id").scalars().all()
    )
    assert list(names)[:2] == ["mine", "free"]


async def test_reader_sees_one_moment_over_several_queries(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(connection: Connection) -> list[Any]:
        name = "select name from products where product_id = 'SKU-001'"
        first = connection.exec_driver_sql(name).scalar()
        asyncio.run_coroutine_threadsafe(database.write(rename, "SKU-001", "meanwhile"), loop).result(10)
        return [first, connection.exec_driver_sql(name).scalar()]

    first, second = await database.read(twice)
    assert first == second != "meanwhile"


async def test_server_that_is_not_there_is_unavailable_and_then_is(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url)
    postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        await database.read(_setting, "lock_timeout")
    postgres.start()
    assert await database.read(_setting, "lock_timeout") == "5s"
    await database.close()


def _setting(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"show {name}").scalar())


@asynccontextmanager
async def _held(database: Database, lock: Any) -> AsyncIterator[None]:
    """Hold a lock in a transaction of its own."""
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def hold(connection: Connection) -> None:
        connection.execute(lock)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(60)

    holding = asyncio.create_task(database.write(hold))
    await begun.wait()
    try:
        yield
    finally:
        go_on.set()
        await holding
