"""Carries calls out: through the task queue, or for what has no effect first inside the workflow task."""

from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from flowforge.durable.failures import is_cancellation, is_final
from flowforge.engine.actions.contract import ACT, ActionAnswer
from flowforge.engine.calls import Call, Trial, outcome_of, told_of
from flowforge.engine.core.events import Settled, Suspended, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError, Wait
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.waits import wait_of
from flowforge.engine.definition.step import Step
from flowforge.engine.keeping import Keeping
from flowforge.engine.story import Story

WAITS: Final = frozenset({"delay", "wait"})
"""The actions that are nothing but a wait: a run does them itself."""

_ONCE: Final = RetryPolicy(maximum_attempts=1)
_WAIT: Final = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


async def perform(
    step: Step, key: Key, call: Call, trial: Trial, *, local: timedelta | None, story: Story, keeping: Keeping
) -> Settled | Suspended:
    """Run a step's action until it answers, refuses, is cancelled, or its time is over.

    Args:
        step: the step.
        key: its unit of work.
        call: what is asked of its action.
        trial: how it is tried.
        local: how long a first attempt inside the workflow task may take; None where there is none: an action that has
            an effect is in history before it acts.
        story: told how often it was tried.
        keeping: keeps its result elsewhere where that is large.
    """
    began = workflow.now()
    try:
        found = trial if local is None else await _within_task(key, call, trial, local)
        if isinstance(found, Trial):
            trial, found = found, await _through_queue(step, str(key), call, found, keeping)
    except FailureError as error:
        outcome, attempts = outcome_of(error, step.id)
        story.note(key, attempts=trial.made + attempts, details=told_of(error))
        return Settled(key, outcome)
    answer = found
    story.note(key, attempts=trial.made + _attempts(answer), details=answer.details)
    if answer.wait is not None:
        return Suspended(key, in_time(_wait(answer), step, began))
    return Settled(key, await keeping.outcome(call, answer))


async def perform_undo(step: Step, key: Key, call: Call, trial: Trial, keeping: Keeping) -> UndoSettled:
    """Run a step's compensation until it has succeeded, or failed for good."""
    try:
        answer = await _through_queue(step, f"undo {key}", call, trial, keeping)
    except FailureError as error:
        outcome, _ = outcome_of(error, step.id)
        return UndoSettled(key=key, status="failed", error=outcome.error)
    return UndoSettled(key=key, status="not_needed" if answer.not_needed else "done")


async def begin_wait_with(step: Step, key: Key, call: Call, keeping: Keeping) -> Settled | Suspended:
    """Begin a step that only waits, and of which the params have to be fetched."""
    try:
        params = await keeping.params(call.request)
    except FailureError as error:
        return Settled(key, outcome_of(error, step.id)[0])
    return begin_wait(step, key, params)


def begin_wait(step: Step, key: Key, params: Any) -> Settled | Suspended:
    """Begin a step that only waits."""
    try:
        if not isinstance(params, dict):
            raise BindingError("bad_wait", "the params of a wait are an object")
        wait = wait_of(params, now=workflow.now())
    except BindingError as failed:
        return Settled(key, Outcome(kind="failed", error=failed.error, began=False))
    return Suspended(key, in_time(wait, step, workflow.now()))


def in_time(wait: Wait, step: Step, began: datetime) -> Wait:
    """Return a wait that is over when its step's time is."""
    if step.timeout is None:
        return wait
    left = max(step.timeout - (workflow.now() - began), timedelta())
    timeout = left if wait.timeout is None else min(wait.timeout, left)
    return Wait(event=wait.event, timeout=timeout, on_timeout=wait.on_timeout, schema=wait.schema, reason=wait.reason)


def not_called(key: Key, error: StepError) -> Settled:
    """Return the end of a step whose action could not be called."""
    return Settled(key, Outcome(kind="failed", error=error, began=False))


async def _within_task(key: Key, call: Call, trial: Trial, local: timedelta) -> ActionAnswer | Trial:
    """Try a call once inside the workflow task; return its answer, or how it goes on to be tried once that is due."""
    began = workflow.now()
    try:
        answer: ActionAnswer = await workflow.execute_local_activity(
            ACT,
            call.request,
            result_type=ActionAnswer,
            start_to_close_timeout=min(local, trial.attempt_timeout),
            retry_policy=_ONCE,
            summary=str(key),
        )
    except FailureError as error:
        if is_final(error) or is_cancellation(error):
            raise
        in_full = trial.attempt_timeout <= local
        rest = trial.after(error, taken=workflow.now() - began, in_full=in_full)
        if rest is None:
            raise
    else:
        return answer
    pause, trial = rest
    if pause > timedelta():
        await workflow.sleep(pause, summary=f"{key} is tried again")
    return trial


async def _through_queue(step: Step, summary: str, call: Call, trial: Trial, keeping: Keeping) -> ActionAnswer:
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
    result: Any = await workflow.execute_activity(
        call.request.action,
        await keeping.params(call.request),
        task_queue=step.task_queue,
        start_to_close_timeout=trial.attempt_timeout,
        schedule_to_close_timeout=trial.timeout,
        retry_policy=trial.retry,
        cancellation_type=_WAIT,
        summary=summary,
    )
    return ActionAnswer(result=result)


def _wait(answer: ActionAnswer) -> Wait:
    asked = answer.wait
    if asked is None:
        return Wait()
    return Wait(
        event=asked.event,
        timeout=None if asked.timeout_ms is None else timedelta(milliseconds=asked.timeout_ms),
        on_timeout=asked.on_timeout,
        schema=asked.schema,
        reason=asked.reason,
    )


def _attempts(answer: ActionAnswer) -> int:
    found = answer.details.get("attempt", 1)
    return found if isinstance(found, int) else 1
