"""What an action does with these params, as far as that is known before it runs: as a step, and as an undo."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from flowforge.engine.core.plan import CHILD, CONDITION
from flowforge.engine.definition.selectors import StaticInput, TemplateInput
from flowforge.engine.definition.step import NOOP, Step
from flowforge.engine.validation.catalogue import ActionCatalogue, ActionFacts

HTTP: Final = "http.request"
WEBHOOK: Final = "webhook"
DELAY: Final = "delay"
WAIT: Final = "wait"
FAIL: Final = "fail"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER_UNDO: Final = frozenset({FAIL, CHILD})  # a run starts children for its steps only
NO_EFFECT: Final = frozenset({NOOP, "log", FAIL, "transform", CONDITION, DELAY, WAIT, WEBHOOK})
"""The built-in actions of which that is known without a catalogue; a webhook tells, and there is nothing to undo."""

Undoing = Literal["takes back", "changes nothing", "is refused"]
"""What a compensation does: only the first undoes its step."""


def facts_of(action: str, given: Mapping[str, Any] | None, catalogue: ActionCatalogue) -> ActionFacts:
    """Return what is known of an action with these params (None: any); of what nobody knows the worst is believed."""
    if action in NO_EFFECT:
        return ActionFacts(name=action, has_effect=False)
    known = catalogue.find(action) or ActionFacts(name=action)
    if action == CHILD:  # nobody knows here what it waits for
        return replace(known, waits="for ever")
    if action != HTTP:
        return known
    method = "" if given is None else str(given.get("method", "GET")).upper()
    return replace(known, has_effect=method not in _READS)


def facts_of_step(step: Step, catalogue: ActionCatalogue) -> ActionFacts:
    """Return what is known of a step's action; of one on somebody else's queue, nothing is."""
    if step.task_queue is not None:
        return ActionFacts(name=step.action)
    return facts_of(step.action, _given_to(step), catalogue)


def undoing(step: Step, catalogue: ActionCatalogue) -> Undoing:
    """Return what a step's compensation does; a child without one undoes itself."""
    undo = step.compensation
    if undo is None:
        return "takes back" if step.action == CHILD and step.task_queue is None else "changes nothing"
    if step.task_queue is not None:
        return "takes back"
    if undo.action in _NEVER_UNDO:
        return "is refused"
    given = undo.params if isinstance(undo.params, Mapping) else None
    if undo.action == WEBHOOK:  # else one that is never delivered is a success, too
        has_effect = given is not None and given.get("failOnError") is True
    else:
        has_effect = facts_of(undo.action, given, catalogue).has_effect
    return "takes back" if has_effect else "changes nothing"


def _given_to(step: Step) -> Mapping[str, Any] | None:
    """Return a step's params as far as the definition writes them down; None where anything may be among them."""
    match step.input:
        case None if step.params is not None:
            return step.params if isinstance(step.params, Mapping) else None
        case TemplateInput(template=given) | StaticInput(value=given) if isinstance(given, Mapping):
            return {**(step.params if isinstance(step.params, Mapping) else {}), **given}
    return None
