"""Strings as JavaScript has them: sequences of UTF-16 code units, not of characters.

Only characters outside the basic plane, which are two units, and halves of them make a difference; for all other
strings these functions are Python's own.
"""

from typing import Final

_FIRST_HIGH: Final = "\ud800"
_FIRST_LOW: Final = "\udc00"
_LAST_LOW: Final = "\udfff"


def length(text: str) -> int:
    """Return the number of code units."""
    return len(text) if text.isascii() else len(_encoded(text)) // 2


def unit_at(text: str, index: int) -> str:
    """Return the code unit at an index below the length; it may be half a character."""
    if text.isascii():
        return text[index]
    return chr(int.from_bytes(_encoded(text)[2 * index : 2 * index + 2], "big"))


def is_surrogate(unit: str) -> bool:
    """Tell whether a code unit is half a character."""
    return _FIRST_HIGH <= unit <= _LAST_LOW


def less(left: str, right: str) -> bool:
    """Compare by code units: U+1F600 is two units and stands before U+FF5E, which is one."""
    if left.isascii() or right.isascii():
        return left < right
    return _encoded(left) < _encoded(right)


def cuts_a_character(text: str) -> bool:
    """Tell whether a text begins or ends with half a character, so that looking for it would find others' halves."""
    return bool(text) and (is_surrogate(text[0]) or is_surrogate(text[-1]))


def joined(left: str, right: str) -> str:
    """Return both, one after the other; halves of a character that meet become one."""
    if left and right and _FIRST_HIGH <= left[-1] < _FIRST_LOW <= right[0] <= _LAST_LOW:
        pair = (left[-1] + right[0]).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        return left[:-1] + pair + right[1:]
    return left + right


def _encoded(text: str) -> bytes:
    """Return two bytes a unit, the greater first, so that texts compare as their bytes do."""
    return text.encode("utf-16-be", "surrogatepass")
