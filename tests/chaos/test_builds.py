"""Workers of two builds take turns at one order, the first killed in the middle: it ends whole, whoever began it.

Ours is once the older build and once the later one. The other differs as releases do: see the patches in `builds`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest
from sqlalchemy import Connection, text
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowFailureError

from chaos.house import House
from chaos.nursery import Nursery
from chaos.points import LAST, PLACEMENTS, UNDOABLE
from chaos.replays import replay
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.orders.audit import audit
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.records import OrderRecord
from flowforge.temporal.target import TemporalTarget
from tests.chaos.builds import open_build

FORWARD: Final = "warehouse.apply:after-commit"
BACKWARD: Final = "payments.charge.undo:after-commit"


@dataclass(frozen=True)
class Shift:
    """An order that is begun by workers of one build and handed over to those of another.

    Attributes:
        world: the order's, with the workers of whoever is at work.
        placed: the order, whose first worker has died.
    """

    world: World
    placed: PlacedOrder

    async def end(self, heirs: Nursery, *, ends: str) -> OrderRecord:
        """Have the others end it; see that its row, its run and its ledger say the same, and that nothing is amiss."""
        world = replace(self.world, nursery=heirs)
        await world.worker()
        handle = world.handle(self.placed.workflow_id)
        with contextlib.suppress(WorkflowFailureError):
            await handle.result()
        description = await handle.describe()
        assert description.status is not None
        assert description.status.name.lower() == ends
        record = await world.reads.get(self.placed.order_id)
        assert record is not None
        assert record.status == ends
        ledger = await world.ledger(self.placed.order_id)
        assert {ledger[operation] for operation in UNDOABLE} == {"applied" if ends == "completed" else "undone"}
        assert [found.check.name for found in await world.database.read(audit) if found.is_violation] == []
        return record

    async def failed_tasks(self) -> Sequence[int]:
        """Return why workflow tasks of it failed, as Temporal has it; one whose worker died timed out instead."""
        history = await self.world.handle(self.placed.workflow_id).fetch_history()
        failed = [each for each in history.events if each.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
        return [each.workflow_task_failed_event_attributes.cause for each in failed]


async def begin(world: World, beginners: Nursery, placement: Placement, *, dies_at: str) -> Shift:
    """Have workers of a build begin an order, and die of it."""
    victim = await replace(world, nursery=beginners).worker(f"kill:{dies_at}")
    placed = await world.place_longest(placement, fail_at=LAST if dies_at == BACKWARD else None)
    await asyncio.shield(victim.exited)
    assert victim.was_killed
    return Shift(world, placed)


@pytest.fixture(scope="module")
async def more_fields(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    async with open_build("more-fields", tmp_path_factory.mktemp("builds")) as nursery:
        yield nursery


@pytest.fixture(scope="module")
async def another_step(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    async with open_build("another-step", tmp_path_factory.mktemp("builds")) as nursery:
        yield nursery


@pytest.fixture(scope="module")
async def newer_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nursery]:
    async with open_build("newer-database", tmp_path_factory.mktemp("builds")) as nursery:
        yield nursery


@pytest.mark.parametrize("is_upgrade", [True, False], ids=["upgrade", "rollback"])
async def test_worker_killed_in_the_middle_the_other_build_ends_the_order(
    client: Client, temporal_target: TemporalTarget, house: House, more_fields: Nursery, *, is_upgrade: bool
) -> None:
    first, second = (house.nursery, more_fields) if is_upgrade else (more_fields, house.nursery)

    async def one(placement: Placement, dies_at: str, ends: str) -> None:
        async with house.world(temporal_target, client) as world:
            shift = await begin(world, first, placement, dies_at=dies_at)
            await shift.end(second, ends=ends)
            assert await shift.failed_tasks() == []
            assert await replay(world, shift.placed.workflow_id) == 1

    deaths = ((FORWARD, "completed"), (BACKWARD, "failed"))
    await asyncio.gather(*(one(placement, *death) for placement in PLACEMENTS for death in deaths))


async def test_later_build_has_another_step_older_orders_end_without_it(
    client: Client, temporal_target: TemporalTarget, house: House, another_step: Nursery
) -> None:
    async with house.world(temporal_target, client) as world:
        shift = await begin(world, house.nursery, "queue", dies_at=FORWARD)
        record = await shift.end(another_step, ends="completed")
        assert "look_again" not in record.steps_completed
        assert await shift.failed_tasks() == []


async def test_order_that_history_does_not_know_yet_begins_anew_in_the_later_build(
    client: Client, temporal_target: TemporalTarget, house: House, another_step: Nursery
) -> None:
    """All that the older worker did was in one workflow task, which died with it; the ledger has it all."""
    async with house.world(temporal_target, client) as world:
        shift = await begin(world, house.nursery, "auto", dies_at=FORWARD)
        record = await shift.end(another_step, ends="completed")
        assert "look_again" in record.steps_completed
        assert await shift.failed_tasks() == []


async def test_rolled_back_over_another_step_the_order_waits_for_the_later_build(
    client: Client, temporal_target: TemporalTarget, house: House, another_step: Nursery
) -> None:
    async with house.world(temporal_target, client) as world:
        shift = await begin(world, another_step, "queue", dies_at=FORWARD)
        older = await world.worker()
        events = world.handle(shift.placed.workflow_id).fetch_history_events(wait_new_event=True)
        async for event in events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                break
        assert await shift.failed_tasks() == [
            WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
        ]
        record = await world.reads.get(shift.placed.order_id)
        assert record is not None
        assert record.status == "running"
        await older.end()
        record = await shift.end(another_step, ends="completed")
        assert "look_again" in record.steps_completed


async def test_database_is_migrated_under_an_older_worker_it_goes_on_and_the_later_build_ends_its_order(
    client: Client, temporal_target: TemporalTarget, house: House, newer_database: Nursery
) -> None:
    async with house.world(temporal_target, client) as world:
        older = await world.worker(f"kill:{FORWARD}:2")
        await world.handle((await world.place_longest("queue")).workflow_id).result()
        before = await world.database.read(_revision)
        newcomer = await replace(world, nursery=newer_database).worker()
        while await world.database.read(_revision) == before:
            pass  # a database tells nobody
        await newcomer.end()
        shift = Shift(world, await world.place_longest("queue"))
        await asyncio.shield(older.exited)
        assert older.was_killed
        await shift.end(newer_database, ends="completed")
        assert await shift.failed_tasks() == []


def _revision(connection: Connection) -> str:
    return str(connection.execute(text("select version_num from alembic_version")).scalar_one())
