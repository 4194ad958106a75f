"""Waits in virtual time."""

from dataclasses import replace
from datetime import datetime, timedelta

from flowforge.engine.actions.contract import WaitAnswer
from flowforge.engine.core.outcomes import Wait
from flowforge.engine.definition.step import Step


def as_wait(asked: WaitAnswer) -> Wait:
    """Return an action's wish to wait as the interpreter knows it."""
    return Wait(
        event=asked.event,
        timeout=None if asked.timeout_ms is None else timedelta(milliseconds=asked.timeout_ms),
        on_timeout=asked.on_timeout,
        schema=asked.schema,
        reason=asked.reason,
    )


def in_time(wait: Wait, step: Step, began: datetime, now: datetime) -> Wait:
    """Return a wait that is over when its step's time is."""
    if step.timeout is None:
        return wait
    left = max(step.timeout - (now - began), timedelta())
    return replace(wait, timeout=left if wait.timeout is None else min(wait.timeout, left))
