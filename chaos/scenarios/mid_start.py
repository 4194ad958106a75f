"""Temporal is killed between the request for a start and its answer, and the request with it; it is sent again."""

import asyncio
import time
import uuid
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import PLAIN, Accepted, Load
from chaos.plan import Plan
from chaos.temporal import Temporal
from chaos.world import World
from flowforge.errors import TemporalUnavailable
from flowforge.ids import workflow_id_of_key
from flowforge.orders.gateway import PlacedOrder

NAME: Final = "Temporal killed within a start, asked again with the key"
LOST: Final = "Temporal killed before it had the order"
KEPT: Final = "Temporal killed when it had the order, and had not said so"
TOO_LATE: Final = "Temporal killed after it had said so"

_MOST_KILLS: Final = 60
_LONGER: Final = 1.8
_SHORTER: Final = 0.6


async def run(house: House, plan: Plan) -> Verdict:
    """Kill Temporal some times on either side of its taking an order, with the order's client waiting."""
    return await kill_within_starts(house, plan, least=max(2, round(10 * plan.share)))


async def kill_within_starts(house: House, plan: Plan, *, least: int) -> Verdict:
    """Kill Temporal ever later within a start, until it was killed so often on either side of having the order."""
    verdict = Verdict(name=NAME)
    begun = time.monotonic()
    chance = plan.chance(NAME)
    async with house.temporal() as temporal:
        client = await temporal.client()
        async with house.world(temporal.target, client) as world:
            await world.worker()
            load = Load(world=world)
            await load.order(PLAIN)
            delay_s = 0.008
            for _ in range(_MOST_KILLS):
                if min(verdict.done[LOST], verdict.done[KEPT]) >= least:
                    break
                key = uuid.UUID(int=chance.getrandbits(128)).hex
                delay_s = await _kill_while_asking(world, temporal, client, key, delay_s, verdict)
                load.accepted.append(Accepted(PLAIN, await _ask_again(world, key, verdict)))
            await Judge(world, verdict).examine(load, chance=chance)
            count = (await world.reads.counts())["orders"]
            if count != len(load.accepted):
                verdict.violations.append(f"{len(load.accepted)} orders were asked for, {count} are there")
    for side in (LOST, KEPT):
        if verdict.done[side] < least:
            verdict.violations.append(f"{side}: only {verdict.done[side]} times")
    verdict.took_s = time.monotonic() - begun
    return verdict


async def _kill_while_asking(
    world: World, temporal: Temporal, client: Client, key: str, delay_s: float, verdict: Verdict
) -> float:
    """Kill Temporal so long after it was asked, and whoever asked with it; start it again with what it had written.

    Returns:
        How long to wait the next time: a little longer, or shorter where the answer was faster.
    """
    asking = asyncio.create_task(world.place(idempotency_key=key, quantity=1))
    await asyncio.sleep(delay_s)
    is_answered = asking.done()
    await temporal.kill()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await temporal.start()
    if is_answered:
        verdict.done[TOO_LATE] += 1
        return delay_s * _SHORTER
    if await _is_started(client, key):
        verdict.done[KEPT] += 1
        return delay_s * _SHORTER
    verdict.done[LOST] += 1
    return delay_s * _LONGER


async def _ask_again(world: World, key: str, verdict: Verdict) -> PlacedOrder:
    while True:
        try:
            placed = await world.place(idempotency_key=key, quantity=1)
        except (TemporalUnavailable, RPCError):
            await asyncio.sleep(0.1)
            continue
        if placed.workflow_id != workflow_id_of_key(key):
            verdict.violations.append(f"{key} became {placed.workflow_id}")
        return placed


async def _is_started(client: Client, key: str) -> bool:
    """Tell whether Temporal has an order, once it is there again."""
    while True:
        try:
            await client.get_workflow_handle(workflow_id_of_key(key)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            await asyncio.sleep(0.1)
        else:
            return True
