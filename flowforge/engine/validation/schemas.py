"""JSON Schemas: the input's, and those of actions, against which params are held as far as they are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.placeholders import OPENING
from flowforge.engine.schema_work import MOST_LOOKS, is_too_much_for_all
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.findings import Findings, each_step


def check_input_schema(definition: Definition, findings: Findings) -> None:
    """Check that the input's schema is one against which data can be held."""
    if definition.input_schema is not None:
        check_schema(definition.input_schema, "input", "/inputSchema", findings)


def check_schema(schema: Any, whose: str, pointer: str, findings: Findings) -> None:
    """Check that a schema is one, refers to nothing outside of it, and takes no endless work."""
    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except (ValueError, TypeError) as error:
        message = getattr(error, "message", str(error))
        findings.add("FF-1023", f"the {whose}'s schema is none: {message}", pointer)
        return
    if is_too_much_for_all(schema):
        hint = "look for parts that refer to one another in a circle, or each to the next one twice"
        findings.add("FF-1023", f"the {whose}'s schema takes more than {MOST_LOOKS} looks at one value", pointer, hint)


def check_params(definition: Definition, catalogue: ActionCatalogue, findings: Findings) -> None:
    """Check that every action is known, and that params are as its schema says."""
    known = _Actions(catalogue)
    for pointer, step in each_step(definition):
        if step.task_queue is not None:  # somebody else's worker knows it
            continue
        known.check(step.action, step.params, pointer, findings, has_more=step.input is not None)
        if step.compensation is not None:
            place = join(pointer, "compensation")
            known.check(step.compensation.action, step.compensation.params, place, findings)


class _Actions:
    """Compiles each action's schema once."""

    def __init__(self, catalogue: ActionCatalogue) -> None:
        self._catalogue = catalogue
        self._validators: dict[str, Any] = {}

    def check(self, action: str, params: Any, pointer: str, findings: Findings, *, has_more: bool = False) -> None:
        facts = self._catalogue.find(action)
        if facts is None:
            hint = findings.meant(action, frozenset(self._catalogue.names()))
            findings.add("FF-1101", f'no worker offers the action "{action}"', join(pointer, "action"), hint)
            return
        if facts.schema is None or params is None:  # without params the context is given, and nobody knows it
            return
        if action not in self._validators:
            self._validators[action] = jsonschema_rs.validator_for(facts.schema, offline=True)
        place = join(pointer, "params")
        for error in self._validators[action].iter_errors(params):
            if not _may_be_mended(error, params, has_more=has_more):
                hint = _hint(error, facts.schema, findings)
                findings.add("FF-1013", f"{action}: {error.message}", join(place, *error.instance_path), hint)


def _may_be_mended(error: Any, params: Any, *, has_more: bool) -> bool:
    """Tell whether what is filled in when the step runs may make it right."""
    if error.kind.name == "required":
        return has_more and not error.instance_path
    part = params
    for key in error.instance_path:
        part = part[key]
    return error.kind.name != "additionalProperties" and _has_template(part)


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return OPENING in value
    if isinstance(value, dict):
        return any(_has_template(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_template(inner) for inner in value)


def _hint(error: Any, schema: Any, findings: Findings) -> str | None:
    if error.kind.name != "additionalProperties":
        return None
    part: Any = schema
    for key in error.schema_path[:-1]:
        part = part[key]
    properties = part.get("properties", {}) if isinstance(part, Mapping) else {}
    unexpected: Sequence[str] = error.kind.unexpected
    return next((hint for name in unexpected if (hint := findings.meant(name, frozenset(properties)))), None)
