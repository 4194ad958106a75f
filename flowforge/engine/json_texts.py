"""JSON as JavaScript writes it: without spaces, members in their order, numbers with their shortest digits."""

import json
import math
import re
from typing import Final

from flowforge.engine.expressions.errors import Reason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.values import Value, admit, text

MAX_DEPTH: Final = 64
"""How deep objects and arrays may nest."""

_HALF: Final = re.compile("[\ud800-\udfff]")


def json_text(value: Value, evaluation: Evaluation) -> str:
    """Return a value as JSON; NaN and the infinities, for which JSON has no text, as null.

    Raises:
        ExpressionFailure: it nests deeper than `MAX_DEPTH`, or holds something that JSON does not have.
    """
    return _written(value, evaluation, 0)


def _written(value: Value, evaluation: Evaluation, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise evaluation.failure(Reason.TOO_DEEP, f"this nests deeper than {MAX_DEPTH}", 0)
    if isinstance(value, dict):
        members = (f"{_quoted(str(key))}:{_inner(member, evaluation, depth)}" for key, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_inner(element, evaluation, depth) for element in value) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    return text(value, evaluation, 0)


def _inner(value: Value, evaluation: Evaluation, depth: int) -> str:
    return _written(admit(value, evaluation, 0), evaluation, depth + 1)


def _quoted(value: str) -> str:
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))
