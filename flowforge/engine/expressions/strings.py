"""Strings in quotes, with JavaScript's escapes."""

import re
from typing import Final

from flowforge.engine.expressions.errors import ExpressionSyntaxError, Position, Reason

QUOTES: Final = "'\""
QUOTED: Final = "|".join(rf"{quote}(?:[^{quote}\\\n\r]|\\(?:\r\n|[\s\S]))*{quote}" for quote in QUOTES)
"""The pattern of a string in quotes."""

_ESCAPE: Final = re.compile(
    r"\\(?:x(?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|u\{(?P<point>[0-9a-fA-F]+)\}|(?P<plain>\r\n|[\s\S]))"
)
_PLAIN: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
    "\r": "",
    "\r\n": "",
    "\u2028": "",
    "\u2029": "",
}
_ESCAPES_ARE: Final = r"an escape is \n, \r, \t, \b, \f, \v, \0, \xHH, \uHHHH, \u{H} or a sign that stands for itself"
_DIGITS: Final = tuple("0123456789")
_LAST_CHARACTER: Final = 0x10FFFF


def meaning(quoted: str, text: str, at: int) -> str:
    """Return what a string means that stands at `at` of a text, in its quotes.

    Raises:
        ExpressionSyntaxError: it has a wrong escape, or holds half a surrogate pair.
    """
    body = quoted[1:-1]

    def meant(escape: re.Match[str]) -> str:
        return _meaning(escape, text, at + 1 + escape.start(), body)

    plain = _ESCAPE.sub(meant, body) if "\\" in body else body
    if not plain.isascii():
        try:  # two escapes may be the halves of one character
            plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise _error(Reason.LONE_SURROGATE, "this string holds half a character", text, at) from None
    return plain


def _meaning(escape: re.Match[str], text: str, at: int, body: str) -> str:
    if (digits := escape["two"] or escape["four"] or escape["point"]) is not None:
        point = int(digits, 16)
        if point > _LAST_CHARACTER:
            raise _error(Reason.BAD_STRING, "there is no such character", text, at)
        return chr(point)
    plain = escape["plain"]
    octal = plain in "123456789" or (plain == "0" and body[escape.end() :].startswith(_DIGITS))
    if plain in "xu" or octal:
        raise _error(Reason.BAD_STRING, _ESCAPES_ARE, text, at)
    return _PLAIN.get(plain, plain)


def _error(reason: Reason, message: str, text: str, at: int) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(reason, message, Position.within(text, at))
