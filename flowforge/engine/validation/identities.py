"""Names: legal, given once, and none that means two things."""

from collections import Counter

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.names import DEFINITION_ID, RESERVED, STEP_ID
from flowforge.engine.definition.pointers import join
from flowforge.engine.validation.findings import Findings, each_step

MAX_STEPS = 500
"""How many steps a definition may have."""


def check_identities(definition: Definition, findings: Findings) -> None:
    """Check the number of steps, and the names of the definition, its steps and their results."""
    if len(definition.steps) > MAX_STEPS:
        findings.add("FF-1014", f"{len(definition.steps)} steps, at most {MAX_STEPS}", "/steps")
    if not DEFINITION_ID.fullmatch(definition.id):
        hint = "a letter, then letters, digits and . _ -, at most 128 in all"
        findings.add("FF-1007", f'"{definition.id}" is no id of a definition', "/id", hint)
    ids = Counter(step.id for step in definition.steps)
    seen: set[str] = set()
    for pointer, step in each_step(definition):
        _check_name(step.id, join(pointer, "id"), findings)
        if step.id in seen:
            findings.add("FF-1006", f'the id "{step.id}" is there twice', join(pointer, "id"))
        seen.add(step.id)
        given = [("outputKey", step.output_key), ("forEach/as", None if step.for_each is None else step.for_each.as_)]
        for key, name in given:
            if name is None:
                continue
            place = f"{pointer}/{key}"
            _check_name(name, place, findings)
            if name in ids and name != step.id:
                findings.add("FF-1024", f'"{name}" is the id of another step', place, "take another name")


def _check_name(name: str, pointer: str, findings: Findings) -> None:
    if name in RESERVED:
        findings.add("FF-1007", f'"{name}" means something else in expressions', pointer, "take another name")
    elif not STEP_ID.fullmatch(name):
        hint = "a letter or _, then letters, digits and _ -, at most 128 in all"
        findings.add("FF-1007", f'"{name}" is no name', pointer, hint)
