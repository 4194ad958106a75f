"""Actions of which there may be one step in a run."""

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.findings import Findings, each_step


def check_repeats(definition: Definition, catalogue: ActionCatalogue, findings: Findings) -> None:
    """Check that no second step gets the outcome of a first one; steps that exclude each other may be all right."""
    first: dict[str, str] = {}
    for pointer, step in each_step(definition):
        facts = None if step.task_queue is not None else catalogue.find(step.action)
        if facts is None or not facts.once:
            continue
        before = first.setdefault(step.action, step.id)
        if before != step.id:
            message = f'"{before}" runs {step.action} too, which is once in a run: "{step.id}" gets its outcome'
            findings.add("FF-1105", message, join(pointer, "action"))
