"""The values that expressions touch, and how JavaScript turns one kind into another.

They are what JSON has, by exact type, and `UNDEFINED`. Nothing else is ever looked into: no attribute of any object is
read, and an object of another type is refused when the data show it.
"""

from enum import Enum
from typing import Any, Final, TypeAlias

from flowforge.engine.expressions import units
from flowforge.engine.expressions.errors import Reason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.numbers import MAX_SAFE, number_of_text, text_of_number


class Undefined(Enum):
    """The kind of what is missing."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED
"""What a missing member or key reads as."""

Value: TypeAlias = Undefined | bool | int | float | str | list[Any] | dict[str, Any] | None

_KINDS: Final[dict[type, str]] = {
    Undefined: "undefined",
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}
_WORDS: Final[dict[Any, str]] = {True: "true", False: "false", None: "null", UNDEFINED: "undefined"}
_LONGEST_INTEGER: Final = 1024  # binary digits; a double has no more before the point


def kind_of(value: Value) -> str:
    """Return a value's kind, in words for people."""
    return _KINDS[type(value)]


def admit(value: Any, evaluation: Evaluation, at: int) -> Value:
    """Return a value of the data, when it is one that expressions may touch."""
    if type(value) in _KINDS:
        return value  # type: ignore[no-any-return]  # its exact type is one of Value's
    raise evaluation.failure(Reason.FOREIGN_VALUE, f"this is a {type(value).__name__}, which JSON does not have", at)


def truthy(value: Value) -> bool:
    """Tell whether a condition with this value holds: not false, 0, NaN, "", null or undefined."""
    if isinstance(value, dict | list):
        return True
    return value is not UNDEFINED and value == value and bool(value)  # noqa: PLR0124  NaN differs from itself


def same(left: Value, right: Value, evaluation: Evaluation, at: int) -> bool:
    """Tell whether two values are equal as `===` means it; integers beyond 2^53 by all their digits."""
    if type(left) is type(right):
        if isinstance(left, str) and isinstance(right, str):
            evaluation.spend_on_text(min(len(left), len(right)), at)
        elif isinstance(left, dict | list):
            raise evaluation.failure(
                Reason.NO_IDENTITY, f"{kind_of(left)} equals nothing by itself; compare what it holds", at
            )
        return left == right
    return is_number(left) and is_number(right) and left == right


def is_number(value: Value) -> bool:
    """Tell whether a value is a number; Python's True and False are none."""
    return type(value) is int or type(value) is float


def is_primitive(value: Value) -> bool:
    """Tell whether a value is neither an object nor an array."""
    return not isinstance(value, dict | list)


def primitive(value: Value, evaluation: Evaluation, at: int) -> Undefined | bool | int | float | str | None:
    """Return a value that is neither an object nor an array; JavaScript would turn those into text here."""
    if isinstance(value, dict | list):
        raise evaluation.failure(Reason.NO_COERCION, f"{kind_of(value)} is neither a number nor a text", at)
    return value


def number(value: Value, evaluation: Evaluation, at: int) -> int | float:
    """Return what a value is as a number: a missing one NaN, null 0, a string what it spells."""
    if isinstance(value, str):
        evaluation.spend_on_text(len(value), at)
        return number_of_text(value)
    plain = primitive(value, evaluation, at)
    if plain is UNDEFINED:
        return float("nan")
    return plain or 0  # type: ignore[return-value]  # false and null are 0; true counts as 1


def double(value: Value, evaluation: Evaluation, at: int) -> float:
    """Return a value as a number to calculate with; an integer that no double holds is not rounded but refused."""
    if type(value) is float:
        return value
    whole = number(value, evaluation, at)
    if isinstance(whole, float) or -MAX_SAFE <= whole <= MAX_SAFE:
        return float(whole)
    if whole.bit_length() <= _LONGEST_INTEGER and int(rounded := float(whole)) == whole:
        return rounded
    raise evaluation.failure(Reason.INEXACT_NUMBER, "this integer is too large to calculate with exactly", at)


def text(value: Value, evaluation: Evaluation, at: int) -> str:
    """Return what a value is as text; integers beyond 2^53 with all their digits."""
    if isinstance(value, str):
        return value
    plain = primitive(value, evaluation, at)
    if type(plain) is float:
        return text_of_number(plain)
    if type(plain) is int:
        if plain.bit_length() > _LONGEST_INTEGER:
            raise evaluation.failure(Reason.INEXACT_NUMBER, "this integer is too long to be written", at)
        return str(plain)
    return _WORDS[plain]


def member(value: Value, key: str, evaluation: Evaluation, at: int) -> Value:
    """Return what a value holds under a name, and nothing that it would inherit.

    Raises:
        ExpressionFailure: the value is null or undefined, or holds something that JSON does not have.
    """
    if type(value) is dict:
        return admit(value.get(key, UNDEFINED), evaluation, at)
    if value is None or value is UNDEFINED:
        raise evaluation.failure(Reason.CANNOT_READ, f"cannot read {_quoted(key)} of {kind_of(value)}", at)
    if isinstance(value, list | str):
        if key == "length":
            return _length(value, evaluation, at)
        place = _place(key)
        return UNDEFINED if place is None else element(value, place, evaluation, at)
    return UNDEFINED


def element(value: list[Any] | str, place: float, evaluation: Evaluation, at: int) -> Value:
    """Return an array's element, or a string's code unit, at `place` from 0; undefined where there is none."""
    if not 0 <= place < _length(value, evaluation, at) or place != int(place):
        return UNDEFINED
    if isinstance(value, list):
        return admit(value[int(place)], evaluation, at)
    unit = units.unit_at(value, int(place))
    if units.is_surrogate(unit):
        raise evaluation.failure(Reason.LONE_SURROGATE, "this would cut a character in two", at)
    return unit


def has_member(value: Value, key: str, evaluation: Evaluation, at: int) -> bool:
    """Tell whether an object or array itself has a member of this name.

    Raises:
        ExpressionFailure: the value is something else.
    """
    if isinstance(value, dict):
        return key in value
    if isinstance(value, list):
        place = _place(key)
        return key == "length" or (place is not None and place < len(value))
    raise evaluation.failure(Reason.NOT_AN_OBJECT, f"`in` looks into objects and arrays, not into {kind_of(value)}", at)


def _length(value: list[Any] | str, evaluation: Evaluation, at: int) -> int:
    if isinstance(value, list):
        return len(value)
    if not value.isascii():
        evaluation.spend_on_text(len(value), at)
    return units.length(value)


def _place(key: str) -> int | None:
    """Return the index that a name stands for: `0`, or digits without a leading zero."""
    if not (key.isascii() and key.isdecimal() and len(key) <= 16) or (key[0] == "0" and key != "0"):
        return None
    return int(key)


def _quoted(key: str) -> str:
    return f"`{key}`" if len(key) <= 64 and key.isprintable() else "a member"
