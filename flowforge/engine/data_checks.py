"""Holds what a run is given, and what comes with events, against the JSON Schemas that ask for it."""

import json
from typing import Any

import jsonschema_rs

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.placeholders import OPENING
from flowforge.engine.schema_work import MOST_LOOKS, is_too_much


class InputRefused(ValueError):
    """A run's input is not as its definition's schema says.

    Attributes:
        found: JSON pointers into the input, and what is wrong there.
    """

    def __init__(self, found: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{pointer}: {message}" for pointer, message in found))
        self.found = found


def check_data(schema: Any, data: Any) -> None:
    """Hold data against a JSON Schema.

    Raises:
        InputRefused: it is not as the schema says, or to find out would take too long.
    """
    if is_too_much(schema, data):
        raise InputRefused((("", f"the schema that it has to meet takes more than {MOST_LOOKS} looks at it"),))
    try:
        errors = jsonschema_rs.validator_for(schema, offline=True).iter_errors(data)
    except (ValueError, TypeError) as error:
        raise InputRefused((("", f"the schema that it has to meet is none: {error}"),)) from error
    found = tuple((join("", *error.instance_path), error.message) for error in errors)
    if found:
        raise InputRefused(found)


def check_early(definition: Definition, event: str, data: Any) -> None:
    """Hold what comes with an event for which nobody waits yet against the schemas of those that will.

    Which of several will get it is not known: it has to suit one of them.

    Raises:
        InputRefused: it suits none.
    """
    refused: InputRefused | None = None
    for step in definition.steps:
        params = step.params
        if step.action != "wait" or not isinstance(params, dict) or params.get("event") != event:
            continue
        schema = params.get("schema")
        if schema is None or OPENING in json.dumps(schema):
            return
        try:
            check_data(schema, data)
        except InputRefused as error:
            refused = refused or error
        else:
            return
    if refused is not None:
        raise refused
