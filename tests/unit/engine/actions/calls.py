"""Calls of actions, and the activity that runs them, outside of any server."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from temporalio.testing import ActivityEnvironment

from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.actions.registry import Action, ActionRegistry


def call_of(action: str, params: Any = None, context: Mapping[str, Any] | None = None, **more: Any) -> ActionCall:
    """Return a call of an action in the step `step` of a run."""
    known = {"execution_id": "exec-1", "workflow_id": "flow", "revision": 1, "step_id": "step", "key": "exec-1:1:step"}
    return ActionCall(action=action, params=params, context=context or {}, **{**known, **more})


@contextmanager
def activities_of(*actions: Action) -> Iterator[ActionActivities]:
    """Yield the activity over some actions, with two threads for plain functions."""
    with ThreadPoolExecutor(2) as threads:
        yield ActionActivities(ActionRegistry.of(actions), threads)


async def act(activities: ActionActivities, call: ActionCall, *, attempt: int = 1) -> ActionAnswer:
    """Run one attempt of a call as Temporal would; what every answer says of it is left out."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    answer: ActionAnswer = await environment.run(activities.act, call)
    assert answer.details["attempt"] == attempt
    return replace(answer, details={name: told for name, told in answer.details.items() if name != "attempt"})
