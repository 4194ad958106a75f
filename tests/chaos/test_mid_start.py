"""Temporal is killed within a start; the client asks again with its key, and has one order."""

import random
from pathlib import Path

from chaos.house import House
from chaos.plan import Plan
from chaos.scenarios.mid_start import kill_within_starts


async def test_temporal_killed_within_a_start_the_key_leads_to_the_one_order(house: House) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    plan = Plan.of(seed=seed, minutes=1, kills=None, command="", out=Path("none"))
    verdict = await kill_within_starts(house, plan, least=1)
    print(verdict)
    assert verdict.violations == []
