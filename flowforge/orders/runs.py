"""The runs of an order in Temporal: its own, and the one that unwinds it when that is gone."""

from datetime import timedelta
from typing import Final

from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import TemporalUnavailable
from flowforge.ids import workflow_id_of_unwinding
from flowforge.temporal.client import absence_as_fault

_TIMEOUT: Final = timedelta(seconds=5)


async def open_run(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """Return the run that works on an order, or None where Temporal says that there is none, for certain.

    A run that waits for a worker, for a retry or for an operator is open.

    Raises:
        TemporalUnavailable: Temporal is away, or does not know the namespace.
        RPCError: it answered something else; whether the order has a run is unknown.
    """
    for name in (workflow_id, workflow_id_of_unwinding(workflow_id)):
        run = await _describe(client, name)
        if run is not None and run.status is WorkflowExecutionStatus.RUNNING:
            return run
    return None


def is_asked_to_cancel(run: WorkflowExecutionDescription) -> bool:
    """Tell whether the native cancel has reached a run."""
    return run.raw_description.workflow_extended_info.cancel_requested


async def _describe(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    try:
        with absence_as_fault():
            return await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        # There may be no such run, or no such namespace (yet), and a proxy in between may find nothing at all.
        if any(detail.Is(NotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details):
            return None
        raise TemporalUnavailable(f"Temporal cannot be asked for {workflow_id}: {error}") from error
