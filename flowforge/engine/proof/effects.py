"""What the steps of a definition do to the world, as far as it is known before they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flowforge.engine.core.plan import Plan
from flowforge.engine.definition.names import UNDO
from flowforge.engine.definition.step import NOOP, Step
from flowforge.engine.proof.by_hand import undone_by_hand
from flowforge.engine.templates import Template
from flowforge.engine.validation.catalogue import ActionCatalogue, Waits
from flowforge.engine.validation.deeds import DELAY, WAIT, Undoing, facts_of_step, undoing

_NEVER_FAILS: Final = frozenset({NOOP, "log", DELAY, WAIT})

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
        undoes: the step that it undoes by hand; None where it does something of its own.
        undoing: what its compensation does.
        undo_is_limited: whether its undo gives up after some attempts.
        undo_needs_result: whether its undo reads the step's result without asking whether there is one.
    """

    nature: Nature
    has_effect: bool
    fenced: bool
    waits: Waits
    can_fail: bool
    undoes: str | None
    undoing: Undoing
    undo_is_limited: bool
    undo_needs_result: bool


def effects_of(plan: Plan, catalogue: ActionCatalogue) -> Mapping[str, StepEffect]:
    """Return what each step of a plan does, by its id."""
    by_hand = undone_by_hand(plan.definition, catalogue)
    return {step: _effect_of(step, plan, catalogue, by_hand.get(step)) for step in plan.steps}


def _effect_of(name: str, plan: Plan, catalogue: ActionCatalogue, undoes: str | None) -> StepEffect:
    step = plan.steps[name].definition
    elsewhere = step.task_queue is not None
    facts = facts_of_step(step, catalogue)
    fenced = _is_fenced(step, catalogue)
    undo = step.compensation
    policy = None if undo is None else undo.retry_policy
    nature: Nature = "acts" if elsewhere else "refuses" if facts.only_undoes else _nature(step)
    if nature == "refuses":
        undoes = None
    return StepEffect(
        nature=nature,
        has_effect=nature != "refuses" and (facts.has_effect or undoes is not None),
        fenced=fenced and (undoes is None or _is_fenced(plan.steps[undoes].definition, catalogue)),
        waits=facts.waits,
        can_fail=elsewhere or step.action not in _NEVER_FAILS,
        undoes=undoes,
        undoing=undoing(step, catalogue),
        undo_is_limited=policy is not None and policy.max_attempts is not None,
        undo_needs_result=undo is not None and _needs_result(undo.params),
    )


def _is_fenced(step: Step, catalogue: ActionCatalogue) -> bool:
    return facts_of_step(step, catalogue).fenced if step.fenced is None else step.fenced


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


def _needs_result(params: Any) -> bool:
    """Tell whether params make no sense while there is no result; one that is handed on as it is may be null."""
    return any(
        reference.path[:2] == (UNDO, "result") and (len(reference.path) > 2 or not reference.is_whole)
        for reference in Template.parse(params).references
    )
