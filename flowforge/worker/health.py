"""Whether the worker of this machine works, as Temporal sees it: `python -m flowforge.worker.health`, exit code 0 or 1.

A worker serves no port that could be asked, and a process that exists may have lost its connection or be frozen.
Temporal knows better: it remembers who asked it for work, and when. A poll lasts up to a minute, so a worker that
stopped asking is told from one that has nothing to do within a minute and a half.
"""

import asyncio
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from flowforge.errors import FlowForgeError
from flowforge.settings import Settings
from flowforge.temporal.client import connect
from flowforge.temporal.target import TemporalTarget

_STALE_AFTER: Final = timedelta(seconds=90)


async def last_poll(client: Client, *, task_queue: str, host: str) -> datetime | None:
    """Return when a worker on `host` last asked Temporal for workflow tasks; None if it did not in five minutes.

    Raises:
        RPCError: Temporal does not tell.
    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    described = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=5))
    return max(
        # The SDK's identity of a client is process@host; a container has a host name of its own.
        (
            poller.last_access_time.ToDatetime(tzinfo=UTC)
            for poller in described.pollers
            if poller.identity.partition("@")[2] == host
        ),
        default=None,
    )


async def _main() -> int:
    try:
        settings = Settings.load()
        client = await connect(TemporalTarget.of(settings))
        polled = await last_poll(client, task_queue=settings.task_queue, host=socket.gethostname())
    except (FlowForgeError, RPCError) as error:
        print(error)
        return 1
    print("no poll" if polled is None else f"last poll {polled.isoformat()}")
    return int(polled is None or datetime.now(UTC) - polled > _STALE_AFTER)


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
