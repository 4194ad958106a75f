"""Starts the workflows of runs, with the labels that Temporal's lists find them by where its namespace knows them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from flowforge.engine.contracts import RunRequest
from flowforge.engine.labels import LABELS, labels_of
from flowforge.engine.workflow import RunWorkflow
from flowforge.temporal.attributes import Keywords
from flowforge.temporal.client import absence_as_fault

RPC_TIMEOUT: Final = timedelta(seconds=5)
TASK_TIMEOUT: Final = timedelta(seconds=3)
"""After this long without a sign of life from a worker, another one takes its workflow tasks."""


class Launcher:
    """Starts the workflows of runs.

    Args:
        task_queue: where workers listen.
    """

    def __init__(self, task_queue: str) -> None:
        self._task_queue = task_queue
        self._keywords = Keywords(*LABELS)

    async def provide_labels(self, client: Client) -> None:
        """Make the search attributes that runs are found by, where the namespace has not got them and we may."""
        await self._keywords.provide(client)

    async def launch_once(
        self, client: Client, request: RunRequest, *, name: str, summary: str, has_begun: Callable[[], Awaitable[bool]]
    ) -> None:
        """Start the workflow of a run that is accepted so; again where one was terminated before its first turn.

        Args:
            client: connected to Temporal; the worker's own makes the start eager.
            request: the accepted run.
            name: the workflow's id.
            summary: what Temporal's UI shows of it.
            has_begun: tells whether the run's row tells of this start.

        Raises:
            WorkflowAlreadyStartedError: there is one of this name, or was one that has left something.
            TemporalUnavailable: it is not known whether it was started.
            DatabaseUnavailable: it is not known whether it has left something; nothing was started.
            RPCError: Temporal refuses it.
        """
        try:
            await self._launch(client, request, name, summary, WorkflowIDReusePolicy.REJECT_DUPLICATE)
        except WorkflowAlreadyStartedError:
            with absence_as_fault():
                run = await client.get_workflow_handle(name).describe(rpc_timeout=RPC_TIMEOUT)
            # The run is looked at first: one that comes to its end in between has written before.
            if run.status is WorkflowExecutionStatus.RUNNING or await has_begun():
                raise
            await self._launch(client, request, name, summary, WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY)

    async def relaunch(self, client: Client, request: RunRequest, *, name: str, summary: str) -> None:
        """Start a workflow that works on a run whose own is gone; one that has ended, in whatever way, is no obstacle.

        Args and errors are those of `launch_once`.
        """
        await self._launch(client, request, name, summary, WorkflowIDReusePolicy.ALLOW_DUPLICATE)

    async def _launch(
        self, client: Client, request: RunRequest, name: str, summary: str, reuse: WorkflowIDReusePolicy
    ) -> None:
        async def start(labels: TypedSearchAttributes) -> None:
            with absence_as_fault():
                await client.start_workflow(
                    RunWorkflow.run,
                    request,
                    id=name,
                    task_queue=self._task_queue,
                    id_reuse_policy=reuse,
                    task_timeout=TASK_TIMEOUT,
                    static_summary=summary,
                    memo={"workflowId": request.workflow_id, "revision": request.revision, "wish": request.wish},
                    search_attributes=labels,
                    request_eager_start=True,
                    rpc_timeout=RPC_TIMEOUT,
                )

        for _ in range(2):
            if not await self._keywords.provide(client):
                break
            try:
                return await start(labels_of(request))
            except RPCError as error:
                if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                    raise
                self._keywords.doubt()  # the namespace was lost and made anew, or not all of Temporal knows them yet
        return await start(TypedSearchAttributes.empty)
