"""Asks for an action where it may run: inside the workflow task first, and through the task queue."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

from flowforge.durable.failures import is_cancellation, is_final
from flowforge.engine.actions.contract import ACT, ActionAnswer
from flowforge.engine.beginning import Beginning
from flowforge.engine.calls import Call, Trial
from flowforge.engine.definition.step import Step
from flowforge.engine.keeping import Keeping
from flowforge.engine.sizes import size_of

_ONCE: Final = RetryPolicy(maximum_attempts=1)
_WAIT: Final = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
_LONGEST_LOCAL_BACKOFF: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """How a call is tried inside the workflow task.

    Attributes:
        timeout: how long one attempt may take there.
        is_only: whether all attempts are made there; else the first one, and the others through the task queue.
    """

    timeout: timedelta
    is_only: bool = False


async def within_task(
    summary: str, call: Call, trial: Trial, near: Near, begun: Beginning | None = None
) -> ActionAnswer | Trial:
    """Try a call inside the workflow task; return its answer, or how it goes on to be tried once that is due.

    Args:
        summary: how Temporal's UI names it.
        call: what is asked.
        trial: how it is tried.
        near: how it is tried here.
        begun: the first attempt, where that was begun with the save of its turn.

    Raises:
        FailureError: it refused, failed for good, or was cancelled.
    """
    began = workflow.now()
    try:
        if begun is not None:
            try:
                given = await begun.answer()
            finally:
                began = begun.at
            if given is not None:
                return given
        answer: ActionAnswer = await workflow.execute_local_activity(
            ACT,
            call.request,
            result_type=ActionAnswer,
            start_to_close_timeout=min(near.timeout, trial.attempt_timeout),
            schedule_to_close_timeout=trial.timeout if near.is_only else None,
            retry_policy=trial.retry if near.is_only else _ONCE,
            local_retry_threshold=_LONGEST_LOCAL_BACKOFF,
            cancellation_type=_WAIT,
            summary=summary,
        )
    except FailureError as error:
        if near.is_only or is_final(error) or is_cancellation(error):
            raise
        in_full = trial.attempt_timeout <= near.timeout
        rest = trial.after(error, taken=workflow.now() - began, in_full=in_full)
        if rest is None:
            raise
    else:
        return answer
    pause, trial = rest
    if pause > timedelta():
        await workflow.sleep(pause, summary=f"{summary} is tried again")
    return trial


async def through_queue(step: Step, summary: str, call: Call, trial: Trial, keeping: Keeping) -> ActionAnswer:
    """Try a call through the task queue until it answers: it is in history before it acts.

    Args:
        step: whose action, or undo.
        summary: how Temporal's UI names it.
        call: what is asked.
        trial: how it is tried.
        keeping: knows what the run keeps elsewhere.

    Raises:
        FailureError: it refused, failed for good, or was cancelled and gave in.
    """
    if step.task_queue is None:
        answer: ActionAnswer = await workflow.execute_activity(
            ACT,
            call.request,
            result_type=ActionAnswer,
            start_to_close_timeout=trial.attempt_timeout,
            schedule_to_close_timeout=trial.timeout,
            heartbeat_timeout=trial.silence,
            retry_policy=trial.retry,
            cancellation_type=_WAIT,
            summary=summary,
        )
        return answer
    answered: RawValue = await workflow.execute_activity(
        call.request.action,
        await keeping.params(call.request),
        task_queue=step.task_queue,
        result_type=RawValue,
        start_to_close_timeout=trial.attempt_timeout,
        schedule_to_close_timeout=trial.timeout,
        heartbeat_timeout=step.heartbeat_timeout,
        retry_policy=trial.retry,
        cancellation_type=_WAIT,
        summary=summary,
    )
    return ActionAnswer(result=_read(answered, step))


def _read(answered: RawValue, step: Step) -> Any:
    """Return what a worker answered that is none of ours.

    Raises:
        ApplicationError: it is no JSON; the run would else wait for ever for somebody who can read it.
    """
    try:
        result = workflow.payload_converter().from_payload(answered.payload)
        size_of(result)
    except (ValueError, TypeError, RuntimeError) as error:
        message = f"the activity {step.action} on {step.task_queue} answered what is no JSON: {str(error)[:200]}"
        raise ApplicationError(message, type="result_not_json", non_retryable=True) from error
    return result
