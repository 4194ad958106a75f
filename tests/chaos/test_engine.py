"""Workers and Temporal are killed while definitions run: each run ends whole, and money is where it belongs."""

import asyncio
import os
import random

from temporalio.client import Client

from chaos.house import House
from chaos.judge import Verdict
from chaos.scenarios.engine import kill_during_runs
from chaos.scenarios.engine_storm import kill_temporal
from flowforge.temporal.target import TemporalTarget
from tests.postgres import PostgresServer


def _seed() -> int:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"CHAOS_SEED={seed}")
    return seed


async def test_workers_killed_while_definitions_run_every_run_ends_whole(
    client: Client, temporal_target: TemporalTarget, house: House, postgres: PostgresServer
) -> None:
    seed = _seed()
    verdict = Verdict(name="runs")
    with postgres.database("migrated") as url:
        await asyncio.gather(
            kill_during_runs(house, temporal_target, client, random.Random(seed), verdict, runs=24),
            kill_during_runs(house, temporal_target, client, random.Random(-seed), verdict, runs=24, database_url=url),
        )
    verdict.must_have_completed()
    print(verdict)
    assert verdict.violations == []
    assert verdict.done["workers killed"] >= 4


async def test_temporal_killed_while_definitions_run_every_run_ends_whole(house: House) -> None:
    verdict = Verdict(name="runs")
    await kill_temporal(house, random.Random(_seed()), verdict, times=2, runs=18, every_s=4)
    verdict.must_have_completed()
    print(verdict)
    assert verdict.violations == []
    assert verdict.done["Temporal killed"] == 2
