"""Waits for the end of a workflow, as long as somebody wants to and may."""

import asyncio

from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError


async def ended_or(closing: asyncio.Event, client: Client, workflow_id: str, seconds: float) -> None:
    """Wait up to `seconds` for a workflow to end, however it does, or until it is too late to wait for it.

    Args:
        closing: set when nobody waits any more.
        client: connected to Temporal; where that is away, nothing is waited for.
        workflow_id: the workflow.
        seconds: how long at most.
    """
    ended = asyncio.ensure_future(client.get_workflow_handle(workflow_id).result())
    closed = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait({ended, closed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (ended, closed):
            each.cancel()
    await asyncio.wait({ended, closed})
    error = None if ended.cancelled() else ended.exception()
    if error is not None and not isinstance(error, WorkflowFailureError | RPCError):
        raise error
