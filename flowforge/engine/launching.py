"""Starts the workflows of runs, with the labels that Temporal's lists find them by where its namespace knows them."""

from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.common import TypedSearchAttributes, WorkflowIDReusePolicy
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

    async def launch(
        self, client: Client, request: RunRequest, *, name: str, summary: str, is_repeatable: bool = False
    ) -> None:
        """Start a run's workflow.

        Args:
            client: connected to Temporal; the worker's own makes the start eager.
            request: the accepted run.
            name: the workflow's id.
            summary: what Temporal's UI shows of it.
            is_repeatable: whether one that has ended, in whatever way, is no obstacle.

        Raises:
            WorkflowAlreadyStartedError: there is one of this name.
            TemporalUnavailable: it is not known whether it was started.
            RPCError: Temporal refuses it.
        """
        again = WorkflowIDReusePolicy.ALLOW_DUPLICATE if is_repeatable else WorkflowIDReusePolicy.REJECT_DUPLICATE

        async def start(labels: TypedSearchAttributes) -> None:
            with absence_as_fault():
                await client.start_workflow(
                    RunWorkflow.run,
                    request,
                    id=name,
                    task_queue=self._task_queue,
                    id_reuse_policy=again,
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
