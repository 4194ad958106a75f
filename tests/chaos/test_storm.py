"""Workers and Temporal are killed at random while orders come, fail and are cancelled: each of them ends whole."""

import os
import random

from chaos.house import House
from chaos.judge import Verdict
from chaos.scenarios.storm import field


async def test_workers_and_temporal_killed_under_load_every_order_ends_whole(house: House) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"CHAOS_SEED={seed}")
    verdict = Verdict(name="storm")
    await field(house, random.Random(seed), verdict, orders=60, kills=15, temporal_kills=2, temporal_every_s=6)
    verdict.must_have_completed()
    print(verdict)
    assert verdict.violations == []
    assert (verdict.done["workers killed"], verdict.done["Temporal killed"]) == (15, 2)
