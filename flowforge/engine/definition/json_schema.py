"""A JSON Schema of the canonical form, with which editors complete and check a definition as it is written."""

from typing import Any

from flowforge.engine.definition.model import Definition


def workflow_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a definition."""
    schema = Definition.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "FlowForge workflow"}
