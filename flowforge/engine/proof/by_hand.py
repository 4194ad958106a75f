"""Steps that undo another step by hand, for example on its error branch.

A step is taken for one only where nothing else can be meant. Everything else has an effect of its own, which something
else has to undo: to believe of a step that it takes back what it does not would hide what both leave behind.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step, targets
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.cycles import reachable
from flowforge.engine.validation.deeds import undoing
from flowforge.engine.validation.scope import Before


def undone_by_hand(definition: Definition, catalogue: ActionCatalogue) -> Mapping[str, str]:
    """Return by the steps that undo another one by hand which one that is.

    Such a step is, as it is written, the very call that one compensation is and no other one; it has no compensation of
    its own, and it comes only after the step that it undoes, once for each time.
    """
    undone: dict[str, list[Step]] = defaultdict(list)
    for step in definition.steps:
        if step.compensation is not None:
            undone[_call(step, step.compensation.action, step.compensation.params)].append(step)
    found: dict[str, str] = {}
    before: Before | None = None
    for step in definition.steps:
        if step.compensation is not None or step.for_each is not None or step.input is not None:
            continue
        steps = undone.get(_call(step, step.action, step.params), []) if undone else []
        if len(steps) != 1 or steps[0].for_each is not None or undoing(steps[0], catalogue) != "takes back":
            continue
        if definition.is_state_machine:
            comes_after = _always_follows(step, steps[0], definition)
        else:
            before = before or Before(definition)
            comes_after = before.has_any([steps[0].id], of=step.id)
        if comes_after:
            found[step.id] = steps[0].id
    return found


def _call(step: Step, action: str, params: Any) -> str:
    """Return what tells one call from another: a compensation goes to the queue of its step."""
    return json.dumps([step.task_queue, action, params], sort_keys=True)


def _always_follows(step: Step, undone: Step, definition: Definition) -> bool:
    """Tell whether no way of a state machine leads to either of them again without the other in between."""
    again = {str(definition.initial_step_id), *targets(step)}
    return not _leads_to(step.id, again, undone.id, definition) and not _leads_to(
        undone.id, set(targets(undone)), step.id, definition
    )


def _leads_to(name: str, starts: set[str], without: str, definition: Definition) -> bool:
    graph = {each.id: [to for to in targets(each) if to != without] for each in definition.steps}
    return any(name in reachable(graph, start) for start in starts - {without})
