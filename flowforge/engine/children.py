"""Runs that a run starts: awaited, cancelled with it, and undone with it even after they have completed."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.calls import Call, outcome_of
from flowforge.engine.contracts import PREPARE_CHILD, RUN_WORKFLOW, Carried, PrepareChild, RunEnded, RunRequest
from flowforge.engine.core.events import Settled, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import StepError
from flowforge.engine.idempotency import undo_run_id
from flowforge.engine.keeping import Keeping
from flowforge.engine.labels import labels_of_child

_TASK_TIMEOUT: Final = timedelta(seconds=3)
_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(seconds=5))
_TOO_LARGE: Final = StepError(
    code="child_too_large", message="the run that was started has completed, and is too large to be undone from here"
)


class Children:
    """The runs that one run has started.

    Args:
        parent: the run that starts them.
        keeping: what that one keeps elsewhere.

    Attributes:
        completed: what they carry to be undone, by unit of work; without a state where that is too large.
    """

    def __init__(self, parent: RunRequest, keeping: Keeping) -> None:
        self._keeping = keeping
        self._parent = replace(parent, definition={}, input={}, stored={}, carried=None)
        self.completed: dict[Key, Carried] = {}

    async def run(self, key: Key, call: Call) -> Settled:
        """Run a child to its end; cancelled, it unwinds first."""
        try:
            request = await self._prepare(key, call)
            ended: RunEnded = await workflow.execute_child_workflow(
                RUN_WORKFLOW,
                request,
                id=request.execution_id,
                result_type=RunEnded,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                task_timeout=_TASK_TIMEOUT,
                static_summary=f"{request.workflow_id}, revision {request.revision}, of {key}",
                memo={"workflowId": request.workflow_id, "revision": request.revision},
                search_attributes=labels_of_child(request),
            )
        except FailureError as error:
            return Settled(key, outcome_of(error, key.step)[0])
        self.completed[key] = replace(ended.carried or Carried(state={}, story={}), revision=request.revision)
        answer = ActionAnswer(result=ended.output, stored=ended.stored)
        return Settled(key, await self._keeping.outcome(call, answer))

    async def undo(self, key: Key, call: Call) -> UndoSettled:
        """Undo a child that had completed; one that did not has undone itself."""
        carried = self.completed.get(key)
        if carried is None:
            return UndoSettled(key=key, status="not_needed")
        if not carried.state:
            return UndoSettled(key=key, status="failed", error=_TOO_LARGE)
        try:
            request = await self._prepare(key, call, revision=carried.revision)
            reason = f"the run that started it, {self._parent.execution_id}, is undone"
            request = replace(request, carried=carried, overruled=reason)
            await workflow.execute_child_workflow(
                RUN_WORKFLOW,
                request,
                id=undo_run_id(request.execution_id),
                result_type=RunEnded,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                task_timeout=_TASK_TIMEOUT,
                static_summary=f"undo {request.workflow_id} of {key}",
                memo={"workflowId": request.workflow_id, "revision": request.revision},
                search_attributes=labels_of_child(request),
            )
        except FailureError as error:
            return UndoSettled(key=key, status="failed", error=outcome_of(error, key.step)[0].error)
        return UndoSettled(key=key, status="done")

    async def _prepare(self, key: Key, call: Call, *, revision: int | None = None) -> RunRequest:
        request: RunRequest = await workflow.execute_local_activity(
            PREPARE_CHILD,
            PrepareChild(
                parent=self._parent,
                step=key.step,
                visit=key.visit,
                item=key.item,
                params=call.request.params,
                call=None if call.request.unfilled is None else call.request,
                revision=revision,
            ),
            result_type=RunRequest,
            start_to_close_timeout=timedelta(seconds=self._parent.options.local_timeout_s),
            retry_policy=_RETRY,
            summary=f"prepare {key}",
        )
        return request
