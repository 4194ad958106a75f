"""Undos in the wrong place, and compensations that take nothing back."""

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.step import Step
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.deeds import WEBHOOK, facts_of_step, undoing
from flowforge.engine.validation.findings import Findings, each_step


def check_undos(definition: Definition, catalogue: ActionCatalogue, findings: Findings) -> None:
    """Check that no step runs what is only ever an undo, and that compensations change something."""
    for pointer, step in each_step(definition):
        facts = facts_of_step(step, catalogue)
        if facts.only_undoes:
            message = f'"{step.id}" runs {step.action}, which only undoes: as a step it is always refused'
            hint = "name it as the compensation of the step that it undoes"
            findings.add("FF-1026", message, join(pointer, "action"), hint)
        elif facts.has_effect and step.compensation is not None:
            _check_undo(step, step.compensation.action, join(pointer, "compensation", "action"), catalogue, findings)


def _check_undo(step: Step, undo: str, pointer: str, catalogue: ActionCatalogue, findings: Findings) -> None:
    match undoing(step, catalogue):
        case "is refused":
            findings.add("FF-1106", f'{undo} is always refused as an undo: what "{step.id}" did stays', pointer)
        case "changes nothing":
            hint = "with failOnError: true it succeeds only once it was delivered" if undo == WEBHOOK else None
            findings.add("FF-1106", f'{undo} changes nothing: what "{step.id}" did stays', pointer, hint)
