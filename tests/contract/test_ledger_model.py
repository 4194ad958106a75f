"""The ledgers against a model of ten lines: any deliveries, in any order, with the journal failing at will."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.errors import DatabaseUnavailable, EffectFenced, OutOfStock
from flowforge.persistence.database import Database
from tests.contract.worlds import World, memory_world, reservation, sql_world, undo
from tests.postgres import PostgresServer

DELIVERIES = st.lists(
    st.tuples(
        st.sampled_from(["do", "undo"]),
        st.sampled_from(["ord_1", "ord_2", "ord_3"]),
        st.integers(min_value=1, max_value=3),
        st.booleans(),
    ),
    max_size=14,
)
Delivery = tuple[str, str, int, bool]


class Model:
    """What should be: 5 units, and for each order `applied` with its units, `undone`, `refused` or nothing."""

    def __init__(self) -> None:
        self.state: dict[str, tuple[str, int]] = {}

    @property
    def available(self) -> int:
        return 5 - sum(units for state, units in self.state.values() if state == "applied")

    def do(self, order: str, units: int) -> str:
        if order not in self.state:
            self.state[order] = ("applied", units) if units <= self.available else ("refused", 0)
        return self.state[order][0]

    def undo(self, order: str) -> str:
        state, units = self.state.get(order, ("undone", 0))
        if state != "refused":
            self.state[order] = ("undone", units)
        return "undone" if units else "not_needed"


async def _tell(attempt: Awaitable[Any]) -> str:
    try:
        answer = await attempt
    except OutOfStock:
        return "refused"
    except EffectFenced:
        return "undone"
    return str(getattr(answer, "status", "applied"))


async def _follow(world: World, deliveries: list[Delivery]) -> None:
    await world.stocked(5)
    model = Model()
    for action, order, units, broken in deliveries:
        do: Callable[[], Awaitable[Any]]
        if action == "do":
            do = lambda: world.inventory.reserve(reservation(units, order))  # noqa: B023, E731 -- called in this round
        else:
            do = lambda: world.inventory.release(undo("reserve", order))  # noqa: B023, E731 -- the same
        if broken:
            world.journal.broken_by = DatabaseUnavailable("away")
            before = await world.stock()
            with contextlib.suppress(DatabaseUnavailable, OutOfStock, EffectFenced):
                await do()
            assert await world.stock() == before
            world.journal.broken_by = None
        expected = model.do(order, units) if action == "do" else model.undo(order)
        assert await _tell(do()) == expected
        assert await world.stock() == (5, model.available, 5 - model.available, 0)


@settings(max_examples=150, deadline=None)
@given(DELIVERIES)
def test_memory_ledger_does_what_the_model_does(deliveries: list[Delivery]) -> None:
    asyncio.run(_follow(memory_world(), deliveries))


@settings(max_examples=60, deadline=None)
@given(deliveries=DELIVERIES)
def test_sqlite_ledger_does_what_the_model_does(migrated_file: Path, deliveries: list[Delivery]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_follow_on(f"sqlite:///{shutil.copy(migrated_file, Path(folder, 'model.sqlite3'))}", deliveries))


@settings(max_examples=60, deadline=None)
@given(deliveries=DELIVERIES)
def test_postgres_ledger_does_what_the_model_does(postgres: PostgresServer, deliveries: list[Delivery]) -> None:
    with postgres.database(template="migrated") as url:
        asyncio.run(_follow_on(url, deliveries))


async def _follow_on(url: str, deliveries: list[Delivery]) -> None:
    database = Database(url)
    await _follow(sql_world(database), deliveries)
    await database.close()
