"""Which steps of a definition may run inside a workflow task, before they are in its run's history.

Such a task may be lost with all that the run had noted, and what comes instead of it need not be the same: somebody has
called the run off, or a request is answered otherwise. What changes nothing may then have run for nothing. What changes
something is either begun again, under its key, or undone although the run does not know of it. So it may run there only

- if a ledger of ours has what it did: begun again it gives the same answer, and an undo that comes first keeps it from
  happening;
- if its undo is in the ledger too, and is given nothing that only a run knows which has begun the step;
- if every run that completes has begun it: no other one than it could have left it behind.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from flowforge.engine.core.plan import CONDITION
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step


class Effects(Protocol):
    """What is known of actions by whoever offers them."""

    def has_effect(self, name: str, params: Any) -> bool:
        """Tell whether an action changes something, or tells somebody, with these params."""
        ...

    def in_ledger(self, name: str) -> bool:
        """Tell whether what an action did is in a ledger of ours."""
        ...

    def may_wait(self, name: str) -> bool:
        """Tell whether an action may answer that it waits: a wait that nothing ends may lead elsewhere."""
        ...


def effect_free(definition: Definition, effects: Effects) -> tuple[str, ...]:
    """Return the steps of a definition that change nothing in the world."""
    return tuple(
        step.id
        for step in definition.steps
        if step.task_queue is None and not effects.has_effect(step.action, step.params)
    )


def local_effects(definition: Definition, effects: Effects) -> tuple[str, ...]:
    """Return the steps of a definition that change something and may all the same run inside a workflow task."""
    if definition.is_state_machine:
        return ()
    branches = {step.error_branch for step in definition.steps}
    steps = {step.id: step for step in definition.steps if step.id not in branches}
    is_certain: dict[str, bool] = {}
    return tuple(
        step.id
        for step in definition.steps
        if _is_fenced(step, effects) and _is_certain(step.id, steps, effects, is_certain) and step.for_each is None
    )


def _is_fenced(step: Step, effects: Effects) -> bool:
    """Tell whether a ledger has what a step does, and its undo needs no more than the key."""
    undo = step.compensation
    return (
        step.task_queue is None
        and effects.in_ledger(step.action)
        and effects.has_effect(step.action, step.params)
        and undo is not None
        and effects.in_ledger(undo.action)
        and "${" not in json.dumps(undo.params)
    )


def _is_certain(name: str, steps: Mapping[str, Step], effects: Effects, known: dict[str, bool]) -> bool:
    """Tell whether every run that completes has begun a step: nothing that it comes after can skip it."""
    if name not in known:
        step = steps.get(name)
        known[name] = (
            step is not None
            and step.condition is None
            and all(
                _leads_on(steps.get(before), effects) and _is_certain(before, steps, effects, known)
                for before in step.depends_on
            )
        )
    return known[name]


def _leads_on(step: Step | None, effects: Effects) -> bool:
    """Tell whether what comes after a step runs, unless it turns the run back."""
    return (
        step is not None
        and step.action != CONDITION
        and step.on_error != "branch"
        and not (step.task_queue is None and effects.may_wait(step.action))
    )
