"""The API is killed within a POST; the client asks again with its key, and has one order."""

import random
from pathlib import Path

from temporalio.client import Client

from chaos.house import House
from chaos.plan import Plan
from chaos.scenarios.api import kill_within_posts
from flowforge.temporal.target import TemporalTarget


async def test_api_killed_within_a_post_the_key_leads_to_the_one_order(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    plan = Plan.of(seed=seed, minutes=1, kills=None, command="", out=Path("none"))
    verdict = await kill_within_posts(house, temporal_target, client, plan, least=2)
    assert verdict.violations == []
