"""What the operators between two operands do."""

from collections.abc import Callable
from typing import Final, TypeAlias

from flowforge.engine.expressions import units
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.numbers import divide, remainder
from flowforge.engine.expressions.values import (
    Value,
    double,
    has_member,
    number,
    primitive,
    same,
    text,
)

Operator: TypeAlias = Callable[[Value, Value, Evaluation, int], Value]
"""Takes both operands, the evaluation, and the offset of the operator."""


def _add(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    primitive(left, evaluation, at)
    primitive(right, evaluation, at)
    if isinstance(left, str) or isinstance(right, str):
        first, second = text(left, evaluation, at), text(right, evaluation, at)
        evaluation.spend_on_text(len(first) + len(second), at)
        return units.joined(first, second)
    return double(left, evaluation, at) + double(right, evaluation, at)


def _subtract(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return double(left, evaluation, at) - double(right, evaluation, at)


def _multiply(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return double(left, evaluation, at) * double(right, evaluation, at)


def _divide(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return divide(double(left, evaluation, at), double(right, evaluation, at))


def _remainder(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return remainder(double(left, evaluation, at), double(right, evaluation, at))


def _less(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        evaluation.spend_on_text(len(left) + len(right), at)
        return units.less(left, right)
    return number(left, evaluation, at) < number(right, evaluation, at)


def _not_above(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        evaluation.spend_on_text(len(left) + len(right), at)
        return not units.less(right, left)
    # Not `not right < left`: a comparison with NaN is false either way.
    return number(left, evaluation, at) <= number(right, evaluation, at)


def _greater(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return _less(right, left, evaluation, at)


def _not_below(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return _not_above(right, left, evaluation, at)


def _equal(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return same(left, right, evaluation, at)


def _unequal(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return not same(left, right, evaluation, at)


def _has(left: Value, right: Value, evaluation: Evaluation, at: int) -> Value:
    return has_member(right, text(left, evaluation, at), evaluation, at)


OPERATORS: Final[dict[str, Operator]] = {
    "==": _equal,
    "===": _equal,
    "!=": _unequal,
    "!==": _unequal,
    "<": _less,
    "<=": _not_above,
    ">": _greater,
    ">=": _not_below,
    "in": _has,
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": _remainder,
}
"""Every operator that evaluates both its operands, by how it is written."""
