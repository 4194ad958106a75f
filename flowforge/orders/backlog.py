"""What waits in the task queue for a worker, as Temporal counts it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

TIMEOUT: Final = timedelta(milliseconds=300)
"""How long a reader waits for Temporal's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Tasks of one kind that no worker has taken; both are approximate.

    Attributes:
        age: how long the oldest has waited.
    """

    count: int
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The task queue's backlog, or why it is not known.

    Attributes:
        workflow: tasks that move a workflow on; None where Temporal did not tell.
        activity: steps that go through the queue; None where Temporal did not tell.
        unknown_because: None where it did.
    """

    task_queue: str
    workflow: Waiting | None = None
    activity: Waiting | None = None
    unknown_because: str | None = None


class TaskQueueBacklog:
    """Asks Temporal for the backlog of one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def measure(self) -> Backlog:
        """Return the backlog within 300 ms; never raises because Temporal is away."""
        try:
            async with asyncio.timeout(TIMEOUT.total_seconds()):
                workflow, activity = await asyncio.gather(
                    self._ask(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW), self._ask(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
                )
        except TimeoutError:
            reason = f"Temporal did not answer within {TIMEOUT.total_seconds():g} s"
            return Backlog(task_queue=self._task_queue, unknown_because=reason)
        except (RPCError, RuntimeError) as error:
            reason = f"Temporal does not tell: {' '.join(str(error).split())[:200]}"
            return Backlog(task_queue=self._task_queue, unknown_because=reason)
        return Backlog(task_queue=self._task_queue, workflow=workflow, activity=activity)

    async def _ask(self, kind: TaskQueueType.ValueType) -> Waiting:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=self._task_queue),
            task_queue_type=kind,
            report_stats=True,
        )
        answer = await self._client.workflow_service.describe_task_queue(request, timeout=TIMEOUT)
        stats = answer.stats
        return Waiting(count=stats.approximate_backlog_count, age=stats.approximate_backlog_age.ToTimedelta())
