"""A worker dies with an attempt from the queue: its silence gives it away, long before the attempt would time out."""

import asyncio

from temporalio.api.enums.v1 import TimeoutType
from temporalio.client import Client

from chaos.house import House
from flowforge.orders.contracts import OrderOptions
from flowforge.temporal.target import TemporalTarget


async def test_worker_killed_within_an_attempt_its_silence_gives_the_attempt_to_another(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    options = OrderOptions(attempt_timeout_s=600, heartbeat_timeout_s=1)
    async with house.world(temporal_target, client, options=options) as world:
        victim = await world.worker("kill:payments.charge:before")
        placed = await world.place("queue")
        await asyncio.shield(victim.exited)
        await world.worker()
        handle = world.handle(placed.workflow_id)
        await handle.result()
        events = (await handle.fetch_history()).events
    failures = [each.activity_task_started_event_attributes.last_failure for each in events]
    silences = [each.timeout_failure_info.timeout_type for each in failures if each.HasField("timeout_failure_info")]
    assert silences == [TimeoutType.TIMEOUT_TYPE_HEARTBEAT]
