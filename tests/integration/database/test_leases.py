"""A lease has one holder at a time; it is renewed by that one, and taken by another when it has expired."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from flowforge.persistence.database import Database
from flowforge.persistence.leases import Lease, hold, last_holder

MINUTE = timedelta(minutes=1)
AT_ONCE_OVER = timedelta(0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database that is up to date, of either kind."""
    database = Database(database_url)
    yield database
    await database.close()


async def test_lease_is_held_the_next_who_asks_learns_by_whom(database: Database) -> None:
    assert await database.write(hold, "work", "ann", MINUTE) == Lease(holder="ann", is_held=True)
    assert await database.write(hold, "work", "bob", MINUTE) == Lease(holder="ann", is_held=False)
    assert await database.write(hold, "other work", "bob", MINUTE) == Lease(holder="bob", is_held=True)


async def test_holder_asks_again_the_lease_is_renewed(database: Database) -> None:
    await database.write(hold, "work", "ann", AT_ONCE_OVER)
    assert await database.write(hold, "work", "ann", MINUTE) == Lease(holder="ann", is_held=True)
    assert not (await database.write(hold, "work", "bob", MINUTE)).is_held


async def test_lease_has_expired_another_takes_it_and_learns_from_whom(database: Database) -> None:
    await database.write(hold, "work", "ann", AT_ONCE_OVER)
    assert await database.write(hold, "work", "bob", MINUTE) == Lease(holder="bob", is_held=True, before="ann")
    assert not (await database.write(hold, "work", "ann", MINUTE)).is_held


@pytest.mark.parametrize("is_new", [True, False])
async def test_many_ask_at_once_one_gets_it(database: Database, is_new: bool) -> None:  # noqa: FBT001
    if not is_new:
        await database.write(hold, "work", "the dead one", AT_ONCE_OVER)
    leases = await asyncio.gather(*(database.write(hold, "work", str(number), MINUTE) for number in range(20)))
    [winner] = [lease for lease in leases if lease.is_held]
    assert {lease.holder for lease in leases} == {winner.holder}
    assert winner.before == (None if is_new else "the dead one")


async def test_last_holder_is_known_after_the_lease_has_expired(database: Database) -> None:
    assert await database.read(last_holder, "work") is None
    await database.write(hold, "work", "ann", AT_ONCE_OVER)
    assert await database.read(last_holder, "work") == "ann"
