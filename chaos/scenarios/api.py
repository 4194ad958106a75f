"""The API is killed within a POST, before the order was started and after; the client asks again with its key."""

import asyncio
import time
import uuid
from typing import Any, Final, Self

import httpx2
from temporalio.client import Client
from temporalio.service import RPCError

from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import PLAIN, Accepted, Load
from chaos.nursery import Child
from chaos.plan import Plan
from chaos.world import PRODUCT, World
from flowforge.ids import workflow_id_of_key
from flowforge.orders.gateway import PlacedOrder
from flowforge.temporal.ports import free
from flowforge.temporal.target import TemporalTarget

NAME: Final = "the API killed within a POST, asked again with the key"
BEFORE: Final = "API killed before the order was started"
AFTER: Final = "API killed after the order was started"

_MOST_KILLS: Final = 200
_LONGER: Final = 1.5
_SHORTER: Final = 0.8


class Door:
    """An API that is started, killed and started again at one port, and its client."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._port = free("127.0.0.1")
        self._api: Child | None = None
        # Without certificates to load, which takes longer than the request.
        self._client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", verify=False, trust_env=False)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self._client.aclose()

    async def open(self) -> None:
        """Start the API, and wait until it is ready."""
        self._api = await self._world.api(self._port)
        while True:
            try:
                if (await self._client.get("/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Kill the API."""
        if self._api is not None:
            await self._api.end()

    async def post(self, key: str, **wishes: Any) -> httpx2.Response:
        """Ask for an order with an idempotency key, once.

        Raises:
            httpx2.TransportError: there was no answer.
        """
        order = {"product_id": PRODUCT, "quantity": 1, "customer_id": "cust_1", "payment_method": "tok_visa"}
        return await self._client.post("/orders", json={**order, **wishes}, headers={"Idempotency-Key": key})

    async def insist(self, key: str, **wishes: Any) -> PlacedOrder:
        """Ask until there is an answer, as a client with a key may."""
        while True:
            try:
                answer = await self.post(key, **wishes)
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code < 500:
                placed = answer.raise_for_status().json()
                return PlacedOrder(order_id=placed["order_id"], workflow_id=placed["workflow_id"])
            await asyncio.sleep(0.05)


async def run(house: House, plan: Plan) -> Verdict:
    """Kill the API some times on either side of the start."""
    async with house.temporal() as temporal:
        client = await temporal.client()
        return await kill_within_posts(house, temporal.target, client, plan, least=max(5, round(20 * plan.share)))


async def kill_within_posts(house: House, target: TemporalTarget, client: Client, plan: Plan, *, least: int) -> Verdict:
    """Kill the API ever later within a POST, until it was killed so often on either side of the order's start."""
    verdict = Verdict(name=NAME)
    begun = time.monotonic()
    chance = plan.chance(NAME)
    async with house.world(target, client) as world, Door(world) as door:
        await world.worker()
        load = Load(world=world)
        await door.insist(uuid.uuid4().hex)  # what is slow about a first request has happened then
        delay_s = 0.001
        for _ in range(_MOST_KILLS):
            if verdict.violations or min(verdict.done[BEFORE], verdict.done[AFTER]) >= least:
                break
            key = f"chaos {chance.random()}"
            delay_s = await _kill_while_asking(client, door, key, delay_s, verdict)
            load.accepted.append(Accepted(PLAIN, await _ask_again(door, key, verdict)))
        if verdict.violations:
            return verdict
        await Judge(world, verdict).examine(load, chance=chance)
        count = (await world.reads.counts())["orders"]
        if count != len(load.accepted) + 1:
            verdict.violations.append(f"{len(load.accepted) + 1} orders were asked for, {count} are there")
    for side in (BEFORE, AFTER):
        if verdict.done[side] < least:
            verdict.violations.append(f"{side}: only {verdict.done[side]} times")
    verdict.took_s = time.monotonic() - begun
    return verdict


async def _kill_while_asking(client: Client, door: Door, key: str, delay_s: float, verdict: Verdict) -> float:
    """Kill the API so long after it was asked, and open it again.

    Returns:
        How long to wait the next time: a little longer, or shorter where the answer was faster; around the start.
    """
    asking = asyncio.create_task(door.post(key))
    await asyncio.sleep(delay_s)
    await door.kill()
    await asyncio.gather(asking, return_exceptions=True)
    if asking.exception() is None:
        delay_s *= _SHORTER
    elif await _is_started(client, key):
        verdict.done[AFTER] += 1
    else:
        verdict.done[BEFORE] += 1
        delay_s *= _LONGER
    await door.open()
    return delay_s


async def _ask_again(door: Door, key: str, verdict: Verdict) -> PlacedOrder:
    placed = await door.insist(key)
    if placed.workflow_id != workflow_id_of_key(key):
        verdict.violations.append(f"{key} became {placed.workflow_id}")
    if await door.insist(key) != placed:
        verdict.violations.append(f"{key} became two orders")
    return placed


async def _is_started(client: Client, key: str) -> bool:
    try:
        await client.get_workflow_handle(workflow_id_of_key(key)).describe()
    except RPCError:
        return False
    return True
