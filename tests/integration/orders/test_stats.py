"""Counting the orders, from their rows."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from flowforge.orders.stats import STATUSES, Statistics, order_stats
from tests.integration.orders.shop import PENDING, Shop


async def test_orders_count_in_the_windows_in_which_they_came_and_ended(shop: Shop) -> None:
    await (await shop.order(1).do_all()).close("completed")
    long_ago = datetime.now(UTC) - timedelta(minutes=30)
    await (await shop.order(2, accepted_at=long_ago.isoformat()).do_all()).close("completed")
    now = datetime.now(UTC)
    stats = await shop.database.read(order_stats, now)
    assert [(rate.placed, rate.ended["completed"]) for rate in stats.rates] == [(1, 2), (1, 2), (2, 2)]
    later = await shop.database.read(order_stats, now + timedelta(minutes=3))
    assert [(rate.placed, rate.ended["completed"]) for rate in later.rates] == [(0, 0), (1, 2), (2, 2)]
    much_later = await shop.database.read(order_stats, now + timedelta(hours=2))
    assert [(rate.placed, sum(rate.ended.values())) for rate in much_later.rates] == [(0, 0)] * 3
    assert much_later.counts == {**dict.fromkeys(STATUSES, 0), "completed": 2}


async def test_oldest_open_order_is_that_of_any_open_status(shop: Shop) -> None:
    await (await shop.order(1).do_all()).close("completed")
    stuck = await shop.order(2).do_all("process_payment")
    await shop.order(3).do_all("check_inventory")
    await stuck.fail("update_warehouse")
    await stuck.close("needs_attention", compensations=PENDING)
    oldest = (await Statistics(shop.database).take()).oldest_open
    assert oldest is not None
    assert (oldest.order_id, oldest.workflow_id, oldest.status) == ("ord_2", "order-ord_2", "needs_attention")
    await stuck.close("failed", compensations=PENDING)
    stuck = await shop.order(4).do_all("process_payment")
    await stuck.fail("update_warehouse")
    oldest = (await Statistics(shop.database).take()).oldest_open
    assert oldest is not None
    assert (oldest.order_id, oldest.status) == ("ord_3", "running")


async def test_statistics_are_taken_again_when_they_are_good_no_more(shop: Shop) -> None:
    rarely, always = Statistics(shop.database), Statistics(shop.database, good_for=timedelta())
    before = await rarely.take()
    await shop.order(1).do_all("check_inventory")
    assert await rarely.take() is before
    assert (await always.take()).counts["running"] == 1


@pytest.fixture
def statements(migrated_file: Path) -> Iterator[list[tuple[str, object]]]:
    """The statements of one statistics, as SQLite gets them."""
    engine = create_engine(f"sqlite:///{migrated_file}")
    sent: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: sent.append((told[2], told[3])))
    with engine.connect() as connection:
        order_stats(connection, datetime.now(UTC))
    yield sent
    engine.dispose()


def test_no_row_of_the_table_is_read_that_is_not_told(
    statements: list[tuple[str, object]], migrated_file: Path
) -> None:
    connection = sqlite3.connect(migrated_file)
    plans = [
        row[3]
        for statement, parameters in statements
        for row in connection.execute(f"explain query plan {statement}", parameters)  # type: ignore[arg-type]  # of any driver
        if " orders " in f"{row[3]} "
    ]
    connection.close()
    assert len(statements) == 3
    # Counting reads the narrowest index from end to end; all else begins where it has to.
    assert [plan for plan in plans if plan.startswith("SCAN")] == [plans[0]]
    assert all("COVERING INDEX" in plan or "ix_orders_status_sequence (status=?)" in plan for plan in plans), plans
