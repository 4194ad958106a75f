"""A worker is killed while a run's fenced steps are inside its workflow task: what it did is in no history."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select
from temporalio.client import Client, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from chaos.house import House
from chaos.world import PRODUCT, World
from flowforge.durable.placement import Placement
from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.contracts import RunOptions
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import NewRun, RunGateway
from flowforge.engine.launching import Launcher
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import RunRecord
from flowforge.engine.store.values import RunValues
from flowforge.engine.workflow import RunWorkflow
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
OPTIONS = RunOptions(attempt_timeout_s=3, forward_max_interval_s=0.5, undo_max_interval_s=0.5)


async def end_of(
    world: World, placement: Placement, fault: str, *, is_cancelled: bool
) -> tuple[RunRecord, dict[str, str]]:
    """Start a run whose worker dies at a point; return it as another worker ended it, and what its ledger says."""
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
    await asyncio.shield(victim.exited)
    assert victim.was_killed
    handle = world.client.get_workflow_handle(run)
    if is_cancelled:
        await handle.cancel()
    await world.worker()
    with contextlib.suppress(WorkflowFailureError):  # the row tells how it ended
        await handle.result()
    replayer = Replayer(
        workflows=[RunWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(await handle.fetch_history())
    record = await reads.get(run)
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

    async def one(point: str) -> None:
        async with house.world(temporal_target, client) as world:
            record, ledger = await end_of(world, placement, f"kill:{point}", is_cancelled=is_cancelled)
            assert record.status == ("cancelled" if is_cancelled else "completed"), point
            found = {name: state for name, state in ledger.items() if name in UNDOABLE}
            assert found == _expected(point, is_cancelled=is_cancelled), point
            views = {step.step_id: step.view for step in record.steps}
            assert "running" not in views.values(), f"{point}: {views}"
            findings = await world.database.read(audit)
            assert [found.check.name for found in findings if found.is_violation] == []

    await asyncio.gather(
        *(one(f"{operation}:{moment}") for operation in UNDOABLE for moment in ("inside", "after-commit"))
    )
