"""What a saga needs of its surroundings: to run steps, to sleep, to wait, to know what ends a run.

Temporal gives all of it; the tests of the saga's logic give it with plain asyncio, without a server.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from temporalio import workflow

from flowforge.durable.placement import ActivityRef, Placement, execute_fenced, execute_unfenced
from flowforge.durable.policies import Policy


class Runtime(Protocol):
    """The surroundings of a saga."""

    async def run_fenced(
        self,
        activity: ActivityRef,
        request: Callable[[int], Any],
        *,
        placement: Placement,
        policy: Policy,
        summary: str,
    ) -> Any:
        """Run a fenced step until it answers, refuses or is cancelled; see `placement.execute_fenced`."""
        ...

    async def run_unfenced(
        self, activity: ActivityRef, request: Any, *, policy: Policy, summary: str, task_queue: str | None
    ) -> Any:
        """Run a step that is waited for when cancelled; see `placement.execute_unfenced`."""
        ...

    async def sleep(self, duration: timedelta, *, summary: str) -> None:
        """Sleep durably."""
        ...

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition over the saga's own state holds."""
        ...

    async def wait_for(self, task: asyncio.Task[Any], at_most: timedelta | None) -> None:
        """Wait until a task has ended, or for a time; leave it running then."""
        ...

    def is_cancelled(self) -> bool:
        """Tell whether somebody asked for the whole run to be cancelled, ever."""
        ...

    def ends_run(self, error: BaseException) -> bool:
        """Tell whether the run ends when this leaves it: a bug does not, nor does continue-as-new."""
        ...


class TemporalRuntime:
    """The surroundings inside a Temporal workflow."""

    async def run_fenced(
        self,
        activity: ActivityRef,
        request: Callable[[int], Any],
        *,
        placement: Placement,
        policy: Policy,
        summary: str,
    ) -> Any:
        """Run it where its placement says."""
        return await execute_fenced(activity, request, placement=placement, policy=policy, summary=summary)

    async def run_unfenced(
        self, activity: ActivityRef, request: Any, *, policy: Policy, summary: str, task_queue: str | None
    ) -> Any:
        """Run it through a task queue."""
        return await execute_unfenced(activity, request, policy=policy, summary=summary, task_queue=task_queue)

    async def sleep(self, duration: timedelta, *, summary: str) -> None:
        """Sleep on a workflow timer."""
        await workflow.sleep(duration, summary=summary)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait on a workflow condition."""
        await workflow.wait_condition(condition)

    async def wait_for(self, task: asyncio.Task[Any], at_most: timedelta | None) -> None:
        """Wait on a workflow timer beside the task."""
        await workflow.wait([task], timeout=None if at_most is None else at_most.total_seconds())

    def is_cancelled(self) -> bool:
        """Ask the workflow; a cancellation is a state of a run, not an event, and stays."""
        return workflow.cancellation_reason() is not None

    def ends_run(self, error: BaseException) -> bool:
        """Ask the workflow: besides failures, these are timeouts and what its `failure_exception_types` name."""
        return isinstance(error, asyncio.CancelledError) or workflow.is_failure_exception(error)
