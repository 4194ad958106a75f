"""What stands still is looked at the more seldom the longer it does, and always in the end."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, insert, select

from flowforge.persistence.types import UtcTimestamp
from flowforge.reconciling.sweeps import Sweep, is_taken

NOW = datetime(2026, 11, 21, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)
STILL = timedelta(seconds=20)
ROWS = 64
THINGS = Table(
    "things",
    MetaData(),
    Column("sequence", Integer, primary_key=True),
    Column("moved_at", UtcTimestamp),
    Column("told_at", UtcTimestamp),
)
TAKEN = select(THINGS.c.sequence).where(is_taken(THINGS.c.sequence, THINGS.c.moved_at, THINGS.c.told_at))


def taken(connection: Connection, number: int | None, **keys: frozenset[int]) -> list[int]:
    sweep = Sweep(since=NOW - STILL, now=NOW, number=number, interval=INTERVAL, **keys)
    return sorted(connection.execute(TAKEN, dict(sweep.parameters)).scalars())


@pytest.mark.parametrize(
    ("age", "share"),
    [
        (timedelta(seconds=21), 1),
        (timedelta(seconds=59), 1),
        (timedelta(seconds=61), 2),
        (timedelta(minutes=3), 4),
        (timedelta(minutes=5), 8),
        (timedelta(minutes=15), 16),
        (timedelta(minutes=17), 32),
        (timedelta(days=300), 32),
    ],
)
def test_row_that_is_still_for_long_is_taken_by_one_sweep_in_many(age: timedelta, share: int) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THINGS.create(connection)
        rows = [{"sequence": number, "moved_at": NOW - age} for number in range(1, ROWS + 1)]
        connection.execute(insert(THINGS), rows)
        sweeps = [taken(connection, number) for number in range(7, 7 + share)]
        assert sorted(itertools.chain(*sweeps)) == list(range(1, ROWS + 1))  # each once
        assert {len(sweep) for sweep in sweeps} == {ROWS // share}  # as many at a time
        assert share * INTERVAL <= age / 2 or share == 1
        assert taken(connection, None) == list(range(1, ROWS + 1))
        assert set(taken(connection, 0, again=frozenset({1, 2, 3}))) >= {1, 2, 3}


def test_row_of_which_something_became_is_taken_soon_and_one_that_moved_is_not() -> None:
    with create_engine("sqlite://").begin() as connection:
        THINGS.create(connection)
        long_ago = NOW - timedelta(days=1)
        rows = [
            {"sequence": 1, "moved_at": long_ago, "told_at": None},
            {"sequence": 2, "moved_at": long_ago, "told_at": NOW},
            {"sequence": 3, "moved_at": NOW, "told_at": None},
        ]
        connection.execute(insert(THINGS), rows)
        assert taken(connection, 5) == [2]
        assert taken(connection, None) == [1, 2]
