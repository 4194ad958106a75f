"""Holds what a run is given, and what comes with events, against the JSON Schemas that ask for it."""

from typing import Any

import jsonschema_rs

from flowforge.engine.definition.pointers import join


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
        InputRefused: it is not as the schema says.
    """
    errors = jsonschema_rs.validator_for(schema, offline=True).iter_errors(data)
    found = tuple((join("", *error.instance_path), error.message) for error in errors)
    if found:
        raise InputRefused(found)
