"""Lengths of time in definitions: `500ms`, `30s`, `1h30m`, `3d`, ISO 8601's `PT5M`, or a number of milliseconds."""

import math
import re
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

MAX: Final = timedelta(days=3650)
"""The longest; whatever takes longer is a mistake in its unit."""

_SIZES_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_FAR_BEYOND: Final = 10**18
_LONGEST_TEXT: Final = 64
_COUNT: Final = r"[0-9]+(?:\.[0-9]+)?"
_SHORT: Final = re.compile("".join(rf"(?:(?P<{unit}>{_COUNT}){unit})?" for unit in _SIZES_MS))
_ISO_COUNT: Final = r"[0-9]+(?:[.,][0-9]+)?"
_ISO: Final = re.compile(
    rf"P(?:(?P<w>{_ISO_COUNT})W|(?:(?P<d>{_ISO_COUNT})D)?"
    rf"(?:T(?=[0-9])(?:(?P<h>{_ISO_COUNT})H)?(?:(?P<m>{_ISO_COUNT})M)?(?:(?P<s>{_ISO_COUNT})S)?)?)"
)
_ISO_CALENDAR: Final = re.compile(rf"P(?=[^T]*[YM])(?:{_ISO_COUNT}[YMWD])*(?:T.*)?")
_WEEK_MS: Final = 7 * _SIZES_MS["d"]


class Reason(StrEnum):
    """Why something is no duration. The values are stable: programs may compare them."""

    MALFORMED = "malformed"
    NO_UNIT = "no_unit"
    NEGATIVE = "negative"
    TOO_LONG = "too_long"
    CALENDAR = "calendar"


class DurationError(ValueError):
    """Something is no duration.

    Attributes:
        reason: stable, for programs.
        message: one sentence for people.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def parse(value: object) -> timedelta:
    """Return the length of time that a definition gives; what is finer than a millisecond counts as a whole one.

    Args:
        value: a text, or a number of milliseconds; what a template has filled in may be anything else.

    Raises:
        DurationError: it is none, is negative, or longer than `MAX`.
    """
    milliseconds = _of_text(value.strip()) if isinstance(value, str) else _of_number(value)
    if milliseconds < 0:
        raise DurationError(Reason.NEGATIVE, "a duration cannot be negative")
    if milliseconds > MAX / timedelta(milliseconds=1):
        raise DurationError(Reason.TOO_LONG, f"a duration is at most {MAX.days:,} days")
    return timedelta(milliseconds=int(milliseconds.to_integral_value(ROUND_CEILING)))


def written(length: timedelta) -> str:
    """Return a duration in its one canonical form, which `parse` reads: `1h30m`, `3d`, `1s500ms`, `0ms`."""
    rest = -(-length // timedelta(milliseconds=1))
    parts: list[str] = []
    for unit, size in _SIZES_MS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0ms"


def _of_number(value: object) -> Decimal:
    is_finite = math.isfinite(value) if isinstance(value, float) else type(value) is int
    if not isinstance(value, int | float) or not is_finite:
        raise DurationError(Reason.MALFORMED, "a duration is a finite number of milliseconds, or a text like 1h30m")
    # Far beyond what is allowed nothing needs to be exact, and an int may have any number of digits.
    return Decimal(repr(value)) if -_FAR_BEYOND < value < _FAR_BEYOND else Decimal(_FAR_BEYOND if value > 0 else -1)


@lru_cache(maxsize=1024)  # a definition says the same few over and over
def _of_text(text: str) -> Decimal:
    if text and len(text) <= _LONGEST_TEXT:
        if text.startswith("-"):
            raise DurationError(Reason.NEGATIVE, "a duration cannot be negative")
        if re.fullmatch(_COUNT, text):
            raise DurationError(
                Reason.NO_UNIT, f"{text} has no unit: write {text}s or {text}ms, or the number of milliseconds unquoted"
            )
        if found := _SHORT.fullmatch(text):
            return _sum({_SIZES_MS[unit]: count for unit, count in found.groupdict().items()})
        if (found := _ISO.fullmatch(text)) and len(text) > 1:
            week = found["w"]
            return _sum({_WEEK_MS: week, **{_SIZES_MS[unit]: found[unit] for unit in "dhms"}})
        if _ISO_CALENDAR.fullmatch(text):
            raise DurationError(Reason.CALENDAR, "years and months have no fixed length: write days")
    raise DurationError(
        Reason.MALFORMED, "not a duration: write one like 500ms, 30s, 1h30m, 3d or PT5M, the largest unit first"
    )


def _sum(counts: dict[int, str | None]) -> Decimal:
    return sum((size * Decimal(count.replace(",", ".")) for size, count in counts.items() if count), Decimal(0))
