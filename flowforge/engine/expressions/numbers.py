"""Numbers as JavaScript has them: doubles, their text, and the numbers that texts stand for."""

import math
import re
from decimal import Decimal
from typing import Final, TypeVar

T = TypeVar("T")

MAX_SAFE: Final = 2**53 - 1
"""The largest integer that a double tells from its neighbours."""

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What JavaScript skips between tokens and around a number in a string."""

# Possessive: what is no number after a million digits is not tried again with one less.
_DECIMAL: Final = re.compile(r"[+-]?(?:(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|Infinity)")
_PREFIXED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_LONGEST_PREFIXED: Final = 1100  # binary digits of the largest double, and some


def number_of_text(text: str) -> float:
    """Return the number that a string stands for, NaN when it stands for none."""
    digits = text.strip(WHITESPACE)
    if not digits:
        return 0.0
    if _DECIMAL.fullmatch(digits):
        return float(digits)
    if _PREFIXED.fullmatch(digits):
        significant = digits[2:].lstrip("0")
        if len(significant) > _LONGEST_PREFIXED:
            return math.inf
        try:
            return float(int("0" + digits[1] + "0" + significant, 0))
        except OverflowError:
            return math.inf
    return math.nan


def text_of_number(number: float) -> str:
    """Return a number as JavaScript writes it: its shortest digits, with an exponent from 1e21 and below 1e-6."""
    if isinstance(number, int):
        return str(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number.is_integer() and -MAX_SAFE <= number <= MAX_SAFE:
        return str(int(number))
    sign = "-" if number < 0 else ""
    # Python's repr has the same shortest digits; only where it puts the point and the exponent differs.
    parts = Decimal(repr(abs(number))).as_tuple()
    written = "".join(map(str, parts.digits))
    digits = written.rstrip("0")
    point = len(written) + int(parts.exponent)
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Put the decimal point `point` digits from the left."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{digits[0]}.{digits[1:]}{exponent}" if len(digits) > 1 else digits + exponent


def divide(left: float, right: float) -> float:
    """Return the quotient; division by zero is infinite, or NaN."""
    if right:
        return left / right
    if not left or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float:
    """Return what is left of a division that rounds toward zero; its sign is the dividend's."""
    if math.isinf(left) or not right:
        return math.nan
    return math.fmod(left, right)


def floor(number: float) -> float:
    """Return the largest integer that is not above; -0 stays -0."""
    return number if not math.isfinite(number) or number.is_integer() else float(math.floor(number))


def rounded(number: float) -> float:
    """Return the nearest integer, of two the upper one; what rounds to zero keeps its sign."""
    below = floor(number)
    if below == number or not math.isfinite(number):
        return number
    nearest = below + 1.0 if number - below >= 0.5 else below
    return math.copysign(0.0, number) if nearest == 0 else nearest


def largest(numbers: tuple[float, ...]) -> float:
    """Return the largest; NaN when there is one, -Infinity of none; 0 is above -0."""
    if any(map(math.isnan, numbers)):
        return math.nan
    return max(numbers, key=_with_signed_zero, default=-math.inf)


def smallest(numbers: tuple[float, ...]) -> float:
    """Return the smallest; NaN when there is one, Infinity of none; -0 is below 0."""
    if any(map(math.isnan, numbers)):
        return math.nan
    return min(numbers, key=_with_signed_zero, default=math.inf)


def tidy(value: T | float) -> T | float:
    """Return an integer for a double that is one, and anything else as it is; -0 stays a double."""
    if isinstance(value, float) and value.is_integer() and -MAX_SAFE <= value <= MAX_SAFE:
        return value if value == 0 and math.copysign(1.0, value) < 0 else int(value)
    return value


def _with_signed_zero(number: float) -> tuple[float, float]:
    return number, math.copysign(1.0, number)
