"""Carries calls out, and tells how they ended."""

from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import FailureError

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.asking import Near, through_queue, within_task
from flowforge.engine.beginning import Beginning
from flowforge.engine.calls import Call, Trial, outcome_of, told_of
from flowforge.engine.core.events import Settled, Suspended, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError, Wait
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.waits import wait_of
from flowforge.engine.definition.step import Step
from flowforge.engine.keeping import Keeping
from flowforge.engine.labels import called
from flowforge.engine.story import Story

WAITS: Final = frozenset({"delay", "wait"})
"""The actions that are nothing but a wait: a run does them itself."""


async def perform(
    step: Step,
    key: Key,
    call: Call,
    trial: Trial,
    *,
    near: Near | None,
    begun: Beginning | None,
    story: Story,
    keeping: Keeping,
) -> Settled | Suspended:
    """Run a step's action until it answers, refuses, is cancelled, or its time is over.

    Args:
        step: the step.
        key: its unit of work.
        call: what is asked of its action.
        trial: how it is tried.
        near: how it is tried inside the workflow task, where it may be.
        begun: its first attempt there, where that was begun with the save of its turn.
        story: told how often it was tried.
        keeping: keeps its result elsewhere where that is large.
    """
    began, name = workflow.now(), called(step, key)
    try:
        found = trial if near is None else await within_task(name, call, trial, near, begun)
        if isinstance(found, Trial):
            trial = found  # first: an error tells of these attempts, too
            found = await through_queue(step, name, call, trial, keeping)
    except FailureError as error:
        outcome, attempts = outcome_of(error, step.id)
        story.note(key, attempts=trial.made + attempts, details=told_of(error))
        return Settled(key, outcome)
    answer = found
    story.note(key, attempts=trial.made + _attempts(answer), details=answer.details)
    if answer.wait is not None:
        return Suspended(key, in_time(_wait(answer), step, began if begun is None else begun.at))
    return Settled(key, await keeping.outcome(call, answer))


async def perform_undo(
    step: Step, key: Key, call: Call, trial: Trial, *, near: Near | None, keeping: Keeping
) -> UndoSettled:
    """Run a step's compensation until it has succeeded, or failed for good."""
    try:
        name = f"undo {called(step, key)}"
        found = trial if near is None else await within_task(name, call, trial, near)
        answer = await through_queue(step, name, call, found, keeping) if isinstance(found, Trial) else found
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
