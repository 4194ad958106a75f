"""A worker dies or freezes while a run's fenced steps are inside its task: what it did is in no history."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select
from temporalio.client import Client, WorkflowFailureError

from chaos.house import House
from chaos.replays import RUNS, replay
from chaos.world import PRODUCT, World
from flowforge.durable.placement import Placement
from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.audit import audit as audit_of_runs
from flowforge.engine.contracts import RunOptions
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import NewRun, RunGateway
from flowforge.engine.launching import Launcher
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import RunRecord
from flowforge.engine.store.values import RunValues
from flowforge.orders.audit import audit
from flowforge.persistence.tables.ledger import LEDGER
from flowforge.temporal.target import TemporalTarget

ORDER = """\
id: order
timeout: 5m
steps:
  - id: quote
    action: inventory.quote
    params: {productId: "${sku}", quantity: 2}
  - id: reserve
    action: inventory.reserve
    dependsOn: [quote]
    params: {productId: "${sku}", quantity: 2}
    compensation: {action: inventory.release}
  - id: charge
    action: payments.charge
    dependsOn: [reserve]
    params: {amountMinor: 1999, currency: EUR, paymentMethod: tok_visa}
    compensation: {action: payments.refund_by_key}
  - id: ship
    action: warehouse.apply
    dependsOn: [charge]
    params: {productId: "${sku}", quantity: 2}
    compensation: {action: warehouse.revert}
"""
UNDOABLE = ("inventory.reserve", "payments.charge", "warehouse.apply")
OPTIONS = RunOptions(attempt_timeout_s=10, forward_max_interval_s=0.5, undo_max_interval_s=0.5, joins_saves=True)


async def end_of(
    world: World, placement: Placement, fault: str, *, is_cancelled: bool
) -> tuple[RunRecord, dict[str, str]]:
    """Start a run whose worker meets a fault; return it as another worker ended it, and what its ledger says.

    One that was frozen goes on when all is over.
    """
    definitions, reads = DefinitionStore(world.database), RunReads(world.database)
    filler = Filler(RunValues(world.database))
    await definitions.publish(ORDER)
    async with open_offer(OfferOptions(), services=world.services, database=world.database) as offer:
        gateway = RunGateway(
            world.client,
            definitions=definitions,
            reads=reads,
            keys=StartKeys(world.database),
            filler=filler,
            effects=offer.registry,
            launcher=Launcher(world.task_queue),
            options=replace(OPTIONS, placement=placement),
        )
        victim = await world.worker(fault)
        run = (await gateway.start(NewRun(workflow_id="order", input={"sku": PRODUCT}))).execution_id
    await (asyncio.shield(victim.exited) if fault.startswith("kill") else victim.stopped.wait())
    handle = world.client.get_workflow_handle(run)
    if is_cancelled:
        await handle.cancel()
    await world.worker()
    with contextlib.suppress(WorkflowFailureError):  # the row tells how it ended
        await handle.result()
    assert await replay(world, run, RUNS)
    record = await reads.get(run)
    if not victim.was_killed:
        victim.send(signal.SIGCONT)
        assert await victim.end(signal.SIGTERM) == 0
        assert await reads.get(run) == record, "a worker that woke too late has changed it"
    assert record is not None
    return record, await world.database.read(_ledger, run)


def _ledger(connection: Connection, run: str) -> dict[str, str]:
    rows = connection.execute(select(LEDGER).where(LEDGER.c.saga_id.like(f"{run}.1%")))
    return {row.operation: "tombstone" if row.state == "undone" and not row.outcome else row.state for row in rows}


def _expected(point: str, *, is_cancelled: bool) -> Mapping[str, str]:
    if not is_cancelled:
        return dict.fromkeys(UNDOABLE, "applied")
    operation, moment = point.split(":")
    killed_at = UNDOABLE.index(operation) + (moment == "after-commit")
    return {name: "undone" if at < killed_at else "tombstone" for at, name in enumerate(UNDOABLE)}


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["goes on", "is called off"])
@pytest.mark.parametrize("placement", ["auto", "local"])
async def test_worker_killed_within_the_task_the_run_completes_or_is_undone_whole(
    client: Client, temporal_target: TemporalTarget, house: House, placement: Placement, *, is_cancelled: bool
) -> None:
    """Called off after that, it begins with its end: it knows of no step that it had begun, and undoes them all."""
    faults = [f"kill:{operation}:{moment}" for operation in UNDOABLE for moment in ("before", "inside", "after-commit")]
    await _all_end_whole(house, temporal_target, client, faults, placement, is_cancelled=is_cancelled)


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["goes on", "is called off"])
async def test_worker_frozen_within_the_task_wakes_too_late_to_change_anything(
    client: Client, temporal_target: TemporalTarget, house: House, *, is_cancelled: bool
) -> None:
    """The step that it was about to begin is in no row and in no history: a tombstone refuses it."""
    faults = [f"stop:{operation}:{moment}" for operation in UNDOABLE for moment in ("before", "after-commit")]
    await _all_end_whole(house, temporal_target, client, faults, "auto", is_cancelled=is_cancelled)


async def _all_end_whole(
    house: House, target: TemporalTarget, client: Client, faults: list[str], placement: Placement, *, is_cancelled: bool
) -> None:
    async def one(fault: str) -> None:
        async with house.world(target, client) as world:
            record, ledger = await end_of(world, placement, fault, is_cancelled=is_cancelled)
            assert record.status == ("cancelled" if is_cancelled else "completed"), fault
            found = {name: state for name, state in ledger.items() if name in UNDOABLE}
            assert found == _expected(fault.partition(":")[2], is_cancelled=is_cancelled), fault
            views = {step.step_id: step.view for step in record.steps}
            assert "running" not in views.values(), f"{fault}: {views}"
            findings = [*await world.database.read(audit), *await world.database.read(audit_of_runs)]
            assert [found.check.name for found in findings if found.is_violation] == []

    await asyncio.gather(*map(one, faults))
