"""Puts a Temporal worker together."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from flowforge.worker.answers import BoundedAnswers
from flowforge.worker.heartbeats import Heartbeats
from flowforge.worker.registration import WORKFLOWS
from flowforge.worker.sandbox import sandbox_for

DRAIN: Final = timedelta(seconds=20)
"""How long running activities get to finish when the worker is told to stop.

Longer than an attempt of an order's step may take; one of a run's step may take longer.
"""

STICKY_TIMEOUT: Final = timedelta(seconds=1)
"""How long a workflow task waits for the worker that has the run in its cache, before any worker may take it."""


def build_worker(
    client: Client,
    *,
    task_queue: str,
    activities: Sequence[Callable[..., Any]],
    max_concurrent_activities: int,
    max_concurrent_workflow_tasks: int,
    interceptors: Sequence[Interceptor] = (),
    version: WorkerDeploymentVersion | None = None,
) -> Worker:
    """Return a worker that is not yet running.

    Args:
        client: connected to Temporal; orders started by the same client begin without a round trip.
        task_queue: where to listen.
        activities: what to run.
        max_concurrent_activities: at once, regular and local ones each.
        max_concurrent_workflow_tasks: at once.
        interceptors: see every activity and workflow, the first one outermost.
        version: what this worker is a version of. It then takes the orders that begin while it is the current one, and
            keeps them to their end, their undos included; without one it takes whatever comes.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities,
        workflow_runner=sandbox_for(client.data_converter),
        max_concurrent_activities=max_concurrent_activities,
        max_concurrent_local_activities=max_concurrent_activities,
        max_concurrent_workflow_tasks=max_concurrent_workflow_tasks,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=DRAIN,
        interceptors=[BoundedAnswers(), *interceptors, Heartbeats()],
        deployment_config=None if version is None else _pinning(version),
    )


def _pinning(version: WorkerDeploymentVersion) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(
        version=version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.PINNED
    )
