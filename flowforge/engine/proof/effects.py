"""What the steps of a definition do to the world, as far as it is known before they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flowforge.engine.core.plan import CHILD, CONDITION, Plan
from flowforge.engine.definition.selectors import StaticInput, TemplateInput
from flowforge.engine.definition.step import NOOP, Step
from flowforge.engine.placeholders import OPENING
from flowforge.engine.validation.catalogue import ActionCatalogue, ActionFacts, Waits

HTTP: Final = "http.request"
DELAY: Final = "delay"
WAIT: Final = "wait"
FAIL: Final = "fail"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
NO_EFFECT: Final = frozenset({NOOP, "log", FAIL, "transform", CONDITION, DELAY, WAIT, "webhook"})
"""The built-in actions of which that is known without a catalogue; a webhook tells, and there is nothing to undo."""

_NEVER_FAILS: Final = frozenset({NOOP, "log", DELAY, WAIT})
_SAYS_WHERE: Final = frozenset({HTTP, CHILD})
_UNDO_RESULT: Final = f"{OPENING}undo.result."

Nature = Literal["acts", "decides", "delays", "waits", "refuses"]
"""What kind of thing a step's action is to a search: most act; some only decide, wait, or say no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEffect:
    """What a step does to the world.

    Attributes:
        nature: what kind of thing its action is.
        has_effect: whether it changes something that would have to be undone.
        fenced: whether it refuses an effect that comes after its undo.
        waits: whether it may answer that it waits for an event.
        can_fail: whether it can end badly at all.
        undoes: the steps whose compensation it runs, as a step of its own.
        undo_is_limited: whether its undo gives up after some attempts.
        undo_needs_result: whether its undo reads the step's result without asking whether there is one.
    """

    nature: Nature
    has_effect: bool
    fenced: bool
    waits: Waits
    can_fail: bool
    undoes: tuple[str, ...]
    undo_is_limited: bool
    undo_needs_result: bool


def effects_of(plan: Plan, catalogue: ActionCatalogue) -> Mapping[str, StepEffect]:
    """Return what each step of a plan does, by its id."""
    steps = [planned.definition for planned in plan.steps.values()]
    undone_by = {
        step.id: _deed(step.compensation.action, step.compensation.params) for step in steps if step.compensation
    }
    return {step.id: _effect_of(step, catalogue, undone_by) for step in steps}


def facts_of(action: str, given: Mapping[str, Any] | None, catalogue: ActionCatalogue) -> ActionFacts:
    """Return what is known of an action with these params (None: any); of what nobody knows the worst is believed."""
    if action in NO_EFFECT:
        return ActionFacts(name=action, has_effect=False)
    known = catalogue.find(action) or ActionFacts(name=action)
    if action != HTTP:
        return known
    method = "" if given is None else str(given.get("method", "GET")).upper()
    return ActionFacts(name=action, schema=known.schema, has_effect=method not in _READS, fenced=known.fenced)


def given_to(step: Step) -> Mapping[str, Any] | None:
    """Return a step's params as far as the definition writes them down; None where anything may be among them."""
    match step.input:
        case None if step.params is not None:
            return step.params if isinstance(step.params, Mapping) else None
        case TemplateInput(template=given) | StaticInput(value=given) if isinstance(given, Mapping):
            return {**(step.params if isinstance(step.params, Mapping) else {}), **given}
    return None


def _effect_of(step: Step, catalogue: ActionCatalogue, undone_by: Mapping[str, tuple[Any, ...]]) -> StepEffect:
    elsewhere = step.task_queue is not None
    facts = ActionFacts(name=step.action) if elsewhere else facts_of(step.action, given_to(step), catalogue)
    deed = _deed(step.action, given_to(step))
    undo = step.compensation
    policy = None if undo is None else undo.retry_policy
    return StepEffect(
        nature="acts" if elsewhere else _nature(step),
        has_effect=facts.has_effect,
        fenced=facts.fenced if step.fenced is None else step.fenced,
        waits=facts.waits,
        can_fail=elsewhere or step.action not in _NEVER_FAILS,
        undoes=tuple(other for other, its in undone_by.items() if its == deed and other != step.id),
        undo_is_limited=policy is not None and policy.max_attempts is not None,
        undo_needs_result=undo is not None and _reads_result(undo.params),
    )


def _nature(step: Step) -> Nature:
    match step.action:
        case "condition":
            return "decides"
        case "delay":
            return "delays"
        case "wait":
            return "waits"
        case "fail":
            return "refuses"
    return "acts"


def _deed(action: str, params: Any) -> tuple[Any, ...]:
    """Return what tells one deed from another: the action, and for a general one where it goes."""
    if action not in _SAYS_WHERE:
        return (action,)
    given = params if isinstance(params, Mapping) else {}
    return (action, *(str(given.get(name)) for name in ("method", "url", "workflowId")))


def _reads_result(value: Any) -> bool:
    if isinstance(value, str):
        return _UNDO_RESULT in value
    if isinstance(value, Mapping):
        return any(_reads_result(inner) for inner in value.values())
    return isinstance(value, list) and any(_reads_result(inner) for inner in value)
