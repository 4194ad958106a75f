"""Runs whose workflow is terminated or lost while their workers live: undone from their rows, and begun again."""

import asyncio
import random
from typing import Literal

import pytest
from temporalio.client import Client

from chaos.house import House
from chaos.judge import Verdict
from chaos.scenarios.engine_gone import Place, between_attempts, frozen
from flowforge.temporal.target import TemporalTarget

SOON = {"RECONCILE_INTERVAL_S": "1"}
PLACES = (
    Place(saga="TransferWorkflow", step="CreditDestination", operation="samples.credit", number=1),
    Place(
        saga="TransferWorkflow",
        step="DebitSource",
        operation="samples.debit.undo",
        number=1,
        fails_at="SendNotifications",
    ),
    Place(saga="MigrationWorkflow", step="MigrateToServiceB", operation="samples.effect", number=3),
)


async def test_runs_terminated_in_a_transaction_are_undone_and_begin_again(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    verdict = Verdict(name="terminated")
    await asyncio.gather(*(frozen(house, temporal_target, client, verdict, place, SOON) for place in PLACES))
    print(verdict)
    assert verdict.violations == []
    assert verdict.done["runs terminated in a transaction"] == len(PLACES)


@pytest.mark.parametrize("how", ["terminated", "state lost"])
async def test_runs_without_a_workflow_are_undone_at_every_step_and_begin_again(
    house: House, how: Literal["terminated", "state lost"]
) -> None:
    verdict = Verdict(name=how)
    async with house.temporal() as temporal:
        client = await temporal.client()
        await between_attempts(house, temporal, client, verdict, random.Random(7), how=how, settings=SOON)
    print(verdict)
    assert verdict.violations == []
    assert verdict.done[f"runs {how}"] == 24
    assert verdict.done["runs begun again"] == 21
