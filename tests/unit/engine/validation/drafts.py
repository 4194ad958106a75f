"""Definitions as somebody drafts them, and what validation says of them."""

from typing import Any, ClassVar

from flowforge.engine.validation.catalogue import ActionFacts
from flowforge.engine.validation.examine import Report, examine_value


class Shelf:
    """A catalogue of a few actions."""

    _PAY: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "amount": {"type": "integer", "minimum": 1},
            "card": {"type": "object", "properties": {"number": {"type": "string"}}, "additionalProperties": False},
        },
        "required": ["amount"],
        "additionalProperties": False,
    }

    def find(self, name: str) -> ActionFacts | None:
        known = {"pay": self._PAY} | dict.fromkeys(self.names()[1:])
        return ActionFacts(name=name, schema=known[name]) if name in known else None

    def names(self) -> tuple[str, ...]:
        return ("pay", "refund", "noop", "do", "wait", "delay", "condition", "http.request")


def report(*steps: dict[str, Any], **body: Any) -> Report:
    return examine_value({"id": "d", "steps": [{"action": "do", **step} for step in steps], **body}, catalogue=Shelf())


def found(*steps: dict[str, Any], **body: Any) -> list[tuple[str, str, str | None]]:
    return [(problem.code, problem.pointer, problem.hint) for problem in report(*steps, **body).problems]


def a(**keys: Any) -> dict[str, Any]:
    return {"id": "a", **keys}


def b(**keys: Any) -> dict[str, Any]:
    return {"id": "b", **keys}


def compensated(params: Any) -> dict[str, Any]:
    return a(compensation={"action": "refund", "params": params})
