"""Strings as JavaScript has them: sequences of UTF-16 code units, not of characters.

Only characters outside the basic plane, which are two units, and halves of them make a difference; for all other
strings these functions are Python's own.
"""

import sys
from array import array
from typing import Final

_NATIVE: Final = "le" if sys.byteorder == "little" else "be"
_FIRST_HIGH: Final = "\ud800"
_FIRST_LOW: Final = "\udc00"
_LAST_LOW: Final = "\udfff"


def units(text: str) -> str:
    """Return the text with each code unit as a character of its own."""
    if text.isascii():
        return text
    doubled = array("H", text.encode(f"utf-16-{_NATIVE}", "surrogatepass"))
    if len(doubled) == len(text):
        return text
    return array("I", doubled).tobytes().decode(f"utf-32-{_NATIVE}", "surrogatepass")


def length(text: str) -> int:
    """Return the number of code units."""
    return len(units(text))


def is_surrogate(unit: str) -> bool:
    """Tell whether a code unit is half a character."""
    return _FIRST_HIGH <= unit <= _LAST_LOW


def less(left: str, right: str) -> bool:
    """Compare by code units: U+1F600 is two units and stands before U+FF5E, which is one."""
    if left.isascii() or right.isascii():
        return left < right
    return units(left) < units(right)


def contains(text: str, part: str) -> bool:
    """Tell whether the units of `part` follow one another somewhere in `text`."""
    return units(part) in units(text) if _cuts_a_character(part) else part in text


def starts_with(text: str, part: str) -> bool:
    """Tell whether `text` begins with the units of `part`."""
    return units(text).startswith(units(part)) if _cuts_a_character(part) else text.startswith(part)


def joined(left: str, right: str) -> str:
    """Return both, one after the other; halves of a character that meet become one."""
    if left and right and _FIRST_HIGH <= left[-1] < _FIRST_LOW <= right[0] <= _LAST_LOW:
        pair = (left[-1] + right[0]).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        return left[:-1] + pair + right[1:]
    return left + right


def _cuts_a_character(part: str) -> bool:
    return bool(part) and (is_surrogate(part[0]) or is_surrogate(part[-1]))
