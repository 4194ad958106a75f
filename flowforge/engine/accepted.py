"""Tells what a run was started with that no worker has begun: only Temporal has it, until its first turn writes it."""

from datetime import datetime
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus

from flowforge.engine.contracts import RUN_WORKFLOW, RunRequest
from flowforge.engine.filling import Filler
from flowforge.engine.launching import RPC_TIMEOUT
from flowforge.engine.store.records import RunRecord
from flowforge.temporal.asking import unless_gone


async def accepted_run(client: Client, execution_id: str, filler: Filler) -> RunRecord | None:
    """Return a run that has no row, pending; None where Temporal knows none that is open.

    Raises:
        TemporalUnavailable: it is away.
        DatabaseUnavailable: what is large in its input cannot be read.
    """
    handle = client.get_workflow_handle(execution_id)
    run = await unless_gone(lambda: handle.describe(rpc_timeout=RPC_TIMEOUT))
    if run is None or run.workflow_type != RUN_WORKFLOW or run.status is not WorkflowExecutionStatus.RUNNING:
        return None
    request = await unless_gone(lambda: _request(client, execution_id))
    return None if request is None else _pending(request, await filler.given(request))


async def _request(client: Client, execution_id: str) -> RunRequest:
    handle = client.get_workflow_handle(execution_id)
    first = await anext(handle.fetch_history_events(page_size=1, rpc_timeout=RPC_TIMEOUT))
    payloads = first.workflow_execution_started_event_attributes.input.payloads
    request: RunRequest
    (request,) = await client.data_converter.decode(payloads, [RunRequest])
    return request


def _pending(request: RunRequest, given: dict[str, Any]) -> RunRecord:
    return RunRecord(
        execution_id=request.execution_id,
        workflow_id=request.workflow_id,
        revision=request.revision,
        status="pending",
        started_at=datetime.fromisoformat(request.accepted_at),
        input=given,
        metadata=request.metadata,
        tenant_id=request.tenant_id,
        parent_execution_id=request.parent_execution_id,
        generation=request.generation,
        depth=request.depth,
        timeout_s=request.timeout_s,
        replay_of=request.replay_of,
    )
