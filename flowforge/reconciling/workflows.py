"""Whether Temporal still has a workflow that works on something: asked by its name, since lists lag."""

from datetime import timedelta
from typing import Final

from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import TemporalUnavailable
from flowforge.temporal.client import absence_as_fault

_TIMEOUT: Final = timedelta(seconds=5)


async def open_workflow(client: Client, *names: str) -> WorkflowExecutionDescription | None:
    """Return the first of these workflows that is open, or None where Temporal says that none is, for certain.

    One that waits for a worker, for a retry or for an operator is open.

    Raises:
        TemporalUnavailable: Temporal is away, or does not know the namespace.
        RPCError: it answered something else; whether there is such a workflow is unknown.
    """
    for name in names:
        found = await find_workflow(client, name)
        if found is not None and found.status is WorkflowExecutionStatus.RUNNING:
            return found
    return None


async def cancel_again(client: Client, workflow: WorkflowExecutionDescription, reason: str) -> bool:
    """Cancel a workflow that Temporal was never asked to cancel; tell whether it was so.

    Raises:
        TemporalUnavailable: Temporal is away.
    """
    if workflow.raw_description.workflow_extended_info.cancel_requested:
        return False
    handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
    with absence_as_fault():
        await handle.cancel(reason=reason, rpc_timeout=_TIMEOUT)
    return True


async def find_workflow(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """Return the latest run of a workflow, open or not; None where Temporal says for certain that it knows none.

    Raises:
        As `open_workflow`.
    """
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
