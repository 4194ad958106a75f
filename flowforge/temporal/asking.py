"""Asks something of one workflow that may be gone, or that has only just begun."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.api.enums.v1 import EventType, PendingWorkflowTaskState
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import TemporalUnavailable
from flowforge.temporal.client import absence_as_fault

ANSWER_TIMEOUT: Final = timedelta(seconds=5)
"""How long people wait for a workflow's answer; there is none where no worker runs."""

_PAUSE_S: Final = 0.02
_FIRST_EVENTS: Final = 100
_TASK_STARTED: Final = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED

T = TypeVar("T")


async def unless_gone(call: Callable[[], Awaitable[Any]]) -> Any:
    """Return what Temporal answers, or None where it knows no such run, or only one that has ended.

    Raises:
        TemporalUnavailable: it is away, or cannot bring it to the run now.
        RPCError: it answered something else.
    """
    try:
        with absence_as_fault():
            return await call()
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
            return None
        raise


async def cancel_without_row(
    handle: WorkflowHandle[Any, Any], reason: str, mark: Callable[[str], Awaitable[T | None]]
) -> tuple[T | None, str]:
    """Cancel a workflow that has no row to be marked; mark the row should it come all the same.

    Args:
        handle: the workflow.
        reason: why; it counts where nobody gave one before.
        mark: marks its row with the reason that counts, and returns None where there is none.

    Returns:
        What `mark` did, None where no row can come of anything but the cancellation; and the reason that counts.

    Raises:
        TemporalUnavailable: what will become of it is unknown.
    """
    await unless_gone(lambda: handle.cancel(reason=reason, rpc_timeout=ANSWER_TIMEOUT))
    first = await unless_gone(lambda: _first_reason(handle))
    marked = await _marked_once_it_has_a_row(handle, lambda: mark(first or reason))
    if marked is None and first is None:  # no task of it runs now that could keep it out of the history
        first = await unless_gone(lambda: _first_reason(handle))
    return marked, first or reason


async def _first_reason(handle: WorkflowHandle[Any, Any]) -> str | None:
    """Return why a workflow was asked to cancel first: Temporal drops every later request.

    A workflow without a row has done next to nothing, so the beginning of its history is enough. What was asked for
    while a task of it runs is not in there yet.
    """
    history = handle.fetch_history_events(page_size=_FIRST_EVENTS, skip_archival=True, rpc_timeout=ANSWER_TIMEOUT)
    await history.fetch_next_page()
    for event in history.current_page or ():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
            return event.workflow_execution_cancel_requested_event_attributes.cause or "cancelled"
    return None


async def _marked_once_it_has_a_row(
    handle: WorkflowHandle[Any, Any], mark: Callable[[], Awaitable[T | None]]
) -> T | None:
    """Mark the row of a workflow that was asked to cancel before it had one.

    A workflow on which nobody works sees its cancellation before anything else. One whose steps run inside its task at
    this moment sees it only when they are done, which may be too late: only its row can tell. So the task is looked at
    first: what it did until then is in the row, and what comes after it is cancelled.

    Args:
        handle: the workflow.
        mark: marks its row, and returns None where there is none.

    Returns:
        What `mark` did; None where there is no row, and where none can come of anything but the cancellation.

    Raises:
        TemporalUnavailable: it is in its first task all the time; what will become of it is unknown.
    """
    deadline = asyncio.get_running_loop().time() + ANSWER_TIMEOUT.total_seconds()
    while True:
        run = await unless_gone(lambda: handle.describe(rpc_timeout=ANSWER_TIMEOUT))
        is_worked_on = run is not None and run.raw_description.pending_workflow_task.state == _TASK_STARTED
        marked = await mark()
        if marked is not None or not is_worked_on:
            return marked
        if asyncio.get_running_loop().time() > deadline:
            raise TemporalUnavailable(f"{handle.id!r} is asked to cancel, but is in its first step: ask again")
        await asyncio.sleep(_PAUSE_S)
