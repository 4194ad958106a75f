"""What waits in the task queue, as a real Temporal counts it."""

import asyncio
import socket

from temporalio.client import Client

from flowforge.orders.backlog import TaskQueueBacklog
from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import open_counter


async def test_orders_without_a_worker_are_counted(client: Client, sqlite_url: str) -> None:
    async with open_counter(client, sqlite_url, OrderOptions()) as counter:
        backlog = TaskQueueBacklog(client, counter.task_queue)
        empty = await backlog.measure()
        assert (empty.unknown_because, empty.workflow and empty.workflow.count) == (None, 0)
        for _ in range(2):
            await counter.place()
        async with asyncio.timeout(30):
            while (seen := await backlog.measure()).workflow is None or seen.workflow.count < 2:  # noqa: ASYNC110 -- only asking tells
                await asyncio.sleep(0.05)
        assert seen.workflow.age.total_seconds() >= 0
        assert (seen.activity and seen.activity.count, seen.unknown_because) == (0, None)


async def test_a_temporal_that_is_away_or_says_nothing_leaves_the_backlog_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for listener in (silent, closed):
            client = await Client.connect(f"127.0.0.1:{listener.getsockname()[1]}", lazy=True)
            backlog = await TaskQueueBacklog(client, "q").measure()
            assert (backlog.workflow, backlog.activity) == (None, None)
            assert backlog.unknown_because is not None
            assert backlog.unknown_because.startswith("Temporal does not tell: ") or "0.3 s" in backlog.unknown_because
