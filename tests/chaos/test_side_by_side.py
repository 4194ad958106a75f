"""The scenarios that wait more than they work, in their smallest form: terminated runs, undos that fail, races."""

import asyncio
import random
from pathlib import Path

from chaos.house import House
from chaos.plan import Plan
from chaos.scenarios.catalogue import SCENARIOS

SMALL = ("terminate", "undo", "races")


async def test_runs_terminated_undos_failing_and_orders_racing_all_end_whole(house: House) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    plan = Plan.of(seed=seed, minutes=0.5, kills=None, command="", out=Path("none"), only=frozenset())
    print(f"seed {seed}")
    verdicts = await asyncio.gather(*(SCENARIOS[name](house, plan) for name in SMALL))
    assert {verdict.name: verdict.violations for verdict in verdicts if verdict.violations} == {}
    assert all(sum(verdict.done.values()) for verdict in verdicts)
