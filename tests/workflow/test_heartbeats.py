"""An attempt that works for longer than it may be silent is not taken for dead."""

import asyncio
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from flowforge.worker.heartbeats import Heartbeats

SILENCE = timedelta(seconds=0.5)


@activity.defn
async def work() -> int:
    """Work for three times as long as an attempt may be silent: that time passes is the whole point."""
    await asyncio.sleep(3 * SILENCE.total_seconds())
    return activity.info().attempt


@workflow.defn(sandboxed=False)
class Waits:
    """Waits for the work."""

    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity(
            work,
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=SILENCE,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def test_attempt_longer_than_its_heartbeat_timeout_is_left_to_end(client: Client) -> None:
    queue = f"heartbeats-{uuid.uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Waits], activities=[work], interceptors=[Heartbeats()]):
        assert await client.execute_workflow(Waits.run, id=queue, task_queue=queue) == 1
