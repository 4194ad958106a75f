"""The methods and functions that an expression may call; there are no others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from flowforge.engine.expressions import units
from flowforge.engine.expressions.errors import Reason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.numbers import floor, largest, rounded, smallest
from flowforge.engine.expressions.values import Value, is_number, kind_of, same, text

Method: TypeAlias = Callable[[Value, Value, Evaluation, int], bool]
"""Takes what it is called on, its argument, the evaluation, and the offset of its name."""


def _includes(value: Value, wanted: Value, evaluation: Evaluation, at: int) -> bool:
    if isinstance(value, list):
        return _has_element(value, wanted, evaluation, at)
    if isinstance(value, str):
        return _part(value, wanted, evaluation, at) in value
    raise evaluation.failure(Reason.NO_SUCH_METHOD, f"{kind_of(value)} has no `includes`", at)


def _has_element(values: list[Any], wanted: Value, evaluation: Evaluation, at: int) -> bool:
    """Look for an element as JavaScript's SameValueZero does: like `===`, but NaN is found."""
    if isinstance(wanted, dict | list):
        raise evaluation.failure(
            Reason.NO_IDENTITY, f"{kind_of(wanted)} equals nothing by itself; look for what it holds", at
        )
    for value in values:
        evaluation.spend(1, at)
        if not isinstance(value, dict | list) and same(value, wanted, evaluation, at):
            return True
        if value != value and is_number(wanted) and wanted != wanted:  # noqa: PLR0124  NaN differs from itself
            return True
    return False


def _starts_with(value: Value, part: Value, evaluation: Evaluation, at: int) -> bool:
    if isinstance(value, str):
        return value.startswith(_part(value, part, evaluation, at))
    raise evaluation.failure(Reason.NO_SUCH_METHOD, f"{kind_of(value)} has no `startsWith`", at)


def _part(value: str, wanted: Value, evaluation: Evaluation, at: int) -> str:
    """Return the text to look for in another one."""
    part = text(wanted, evaluation, at)
    evaluation.spend_on_text(len(value) + len(part), at)
    if units.cuts_a_character(part):
        raise evaluation.failure(Reason.LONE_SURROGATE, "what is looked for begins or ends with half a character", at)
    return part


METHODS: Final[dict[str, Method]] = {"includes": _includes, "startsWith": _starts_with}
"""Every method, by its name; each takes one argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MathFunction:
    """A function of `Math`.

    Attributes:
        compute: takes all arguments, as doubles.
        takes: how many arguments; None for any number of them.
    """

    compute: Callable[[tuple[float, ...]], float]
    takes: int | None


MATH: Final[dict[str, MathFunction]] = {
    "abs": MathFunction(compute=lambda numbers: abs(numbers[0]), takes=1),
    "floor": MathFunction(compute=lambda numbers: floor(numbers[0]), takes=1),
    "max": MathFunction(compute=largest, takes=None),
    "min": MathFunction(compute=smallest, takes=None),
    "round": MathFunction(compute=lambda numbers: rounded(numbers[0]), takes=1),
}
"""Every function of `Math`, by its name."""
