"""Runs whose workflow is terminated or lost while their workers live: undone from their rows, and begun again."""

import asyncio
import random

from temporalio.client import Client

from chaos.house import House
from chaos.judge import Verdict
from chaos.scenarios.engine_gone import Place, between_attempts, frozen
from flowforge.temporal.target import TemporalTarget

STANDING = 24
"""A run at each of 22 steps, one that waits for an approval, and a booking. Three of them are not begun again."""

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


async def test_runs_terminated_at_every_step_and_within_some_are_undone_and_begin_again(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    verdict = Verdict(name="terminated")
    await asyncio.gather(
        between_attempts(house, temporal_target, client, verdict, random.Random(7), settings=SOON),
        *(frozen(house, temporal_target, client, verdict, place, SOON) for place in PLACES),
    )
    print(verdict)
    assert verdict.violations == []
    assert verdict.done["runs terminated"] == STANDING
    assert verdict.done["runs terminated in a transaction"] == len(PLACES)
    assert verdict.done["runs begun again"] == STANDING - 3 + len(PLACES)


async def test_runs_whose_temporal_lost_its_state_are_undone_at_every_step_and_begin_again(house: House) -> None:
    verdict = Verdict(name="lost")
    async with house.temporal() as temporal:
        client = await temporal.client()
        await between_attempts(house, temporal.target, client, verdict, random.Random(7), lost=temporal, settings=SOON)
    print(verdict)
    assert verdict.violations == []
    assert verdict.done["runs lost"] == STANDING
    assert verdict.done["runs begun again"] == STANDING - 3
