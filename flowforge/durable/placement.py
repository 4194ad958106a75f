"""Where a step runs: inside the workflow task, or through the task queue. Nothing else knows.

A local activity costs no round trip through the task queue, but what it did is in no history until the whole workflow
task has ended: a worker killed before that runs it again, and a cancellation discards it. So only fenced steps run
locally. `auto` tries once locally; when that one attempt fails in a way that may pass, the step goes on through the
queue, where Temporal keeps its retries and shows them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from flowforge.durable.failures import is_cancellation, is_final
from flowforge.durable.policies import Policy

Placement = Literal["auto", "local", "queue"]
"""`auto`: one local attempt, then the queue; `local`: every attempt local; `queue`: every attempt through the queue."""

ActivityRef = Callable[..., Any] | str
"""An activity's function or method, which gives its result type; or its name."""

_ONCE = RetryPolicy(maximum_attempts=1)
_LONGEST_LOCAL_BACKOFF = timedelta(seconds=2)


async def execute_fenced(
    activity: ActivityRef, request: Callable[[int], Any], *, placement: Placement, policy: Policy, summary: str
) -> Any:
    """Run a fenced step where `placement` says, retried by `policy` until it answers, refuses or is cancelled.

    Args:
        activity: what to run.
        request: makes the activity's input from the number of the first attempt that will carry it.
        placement: where it runs first.
        policy: how it is tried.
        summary: how Temporal's UI names the step.

    Returns:
        The activity's result.

    Raises:
        ApplicationError, ActivityError: the step refused, failed for good, or was cancelled.
        asyncio.CancelledError: cancelled while it ran locally.
    """
    attempts = 0
    if placement != "queue":
        try:
            return await workflow.execute_local_activity(
                activity,
                request(1),
                start_to_close_timeout=policy.local_timeout,
                retry_policy=_ONCE if placement == "auto" else policy.retry(),
                local_retry_threshold=_LONGEST_LOCAL_BACKOFF,
                summary=summary,
            )
        except FailureError as error:  # of any kind: see `failures` for what a timeout looks like in a replay
            if placement == "local" or is_final(error) or is_cancellation(error):
                raise
            attempts = 1
    return await workflow.execute_activity(
        activity,
        request(attempts + 1),
        start_to_close_timeout=policy.attempt_timeout,
        heartbeat_timeout=policy.heartbeat_timeout,
        retry_policy=policy.retry(made=attempts),
        summary=summary,
    )


async def execute_unfenced(
    activity: ActivityRef, request: Any, *, policy: Policy, summary: str, task_queue: str | None = None
) -> Any:
    """Run a step that only history can vouch for: through the queue, and when cancelled, waited for until it settles.

    Args:
        activity: what to run.
        request: its input.
        policy: how it is tried.
        summary: how Temporal's UI names the step.
        task_queue: where its worker listens, if not where the workflow runs.

    Returns:
        The activity's result, also when it finished although it was cancelled: its effect is there.

    Raises:
        ActivityError: the step refused, failed for good, or was cancelled and gave in.
    """
    return await workflow.execute_activity(
        activity,
        request,
        task_queue=task_queue,
        start_to_close_timeout=policy.attempt_timeout,
        heartbeat_timeout=policy.heartbeat_timeout,
        retry_policy=policy.retry(),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
