"""The tokens of an expression's text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from flowforge.engine.expressions.errors import ExpressionSyntaxError, Position, Reason
from flowforge.engine.expressions.numbers import WHITESPACE
from flowforge.engine.expressions.strings import read_string


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    STRING = "string"
    NAME = "name"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes:
        kind: what it is.
        text: as it is written; empty at the end.
        value: of a number or a string, what it means.
        at: its offset.
    """

    kind: Kind
    text: str
    value: int | float | str
    at: int


_LONGEST_INTEGER: Final = 309  # digits; a longer one is Infinity in JavaScript

_SPACE: Final = re.compile(f"[{WHITESPACE}]*")
_NUMBER: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAME: Final = re.compile(r"[\w$]+")
# The longest first, as JavaScript reads them: what we do not have must not be read as two signs that we have.
_SIGN: Final = re.compile(
    r"""
      >>>= | \*\*= | <<= | >>= | &&= | \|\|= | \?\?= | \.\.\. | === | !== | >>>
    | => | == | != | <= | >= | && | \|\| | \?\? | \?\.(?![0-9]) | \+\+ | -- | \*\* | << | >> | \+= | -= | \*= | %= | /=
    | &= | \|= | \^= | // | /\*
    | [-<>!+*/%?:.,()\[\]{}=&|^~;`\#@\\]
    """,
    re.VERBOSE,
)
_SIGNS: Final = "=== !== == != <= >= && || ?? ?. < > ! + - * / % ? : . , ( ) [ ] { }"
SIGNS: Final = frozenset(_SIGNS.split())
"""The signs of this language; those that JavaScript has besides are refused by name."""

_ADVICE: Final = {
    "=": "; compare with `===`",
    "`": "; write the text in quotes",
    "//": ", nor are comments",
    "/*": ", nor are comments",
    "&": "; write `&&`",
    "|": "; write `||`",
    ";": "; an expression is one value",
}


def tokens(text: str) -> Iterator[Token]:
    """Return the tokens of a text, and one more for its end.

    Raises:
        ExpressionSyntaxError: something in it is no token of this language.
    """
    at = _after_space(text, 0)
    while at < len(text):
        token = _token_at(text, at)
        yield token
        at = _after_space(text, at + len(token.text))
    yield Token(Kind.END, "", "", len(text))


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _token_at(text: str, at: int) -> Token:
    if text[at] in "'\"":
        end, meaning = read_string(text, at)
        return Token(Kind.STRING, text[at:end], meaning, at)
    if found := _NUMBER.match(text, at):
        return _number(text, found.group(), at)
    if found := _NAME.match(text, at):
        name = found.group()
        if name.replace("$", "_").isidentifier():
            return Token(Kind.NAME, name, name, at)
    if found := _SIGN.match(text, at):
        sign = found.group()
        if sign in SIGNS:
            return Token(Kind.SIGN, sign, sign, at)
        raise _error(Reason.UNSUPPORTED, f"`{sign}` is not part of this language{_ADVICE.get(sign, '')}", text, at)
    shown = f"`{text[at]}`" if text[at].isprintable() else f"U+{ord(text[at]):04X}"
    raise _error(Reason.UNEXPECTED_CHARACTER, f"{shown} has no meaning here", text, at)


def _number(text: str, digits: str, at: int) -> Token:
    after = _NAME.match(text, at + len(digits))
    if after or (len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()):
        written = digits + (after.group() if after else "")
        shown = f"`{written}`" if len(written) <= 32 else "this"
        raise _error(Reason.BAD_NUMBER, f"{shown} is no number; numbers are decimal, like 12 or 0.5 or 1e3", text, at)
    if not digits.isdecimal():
        return Token(Kind.NUMBER, digits, float(digits), at)
    if len(digits) > _LONGEST_INTEGER:
        raise _error(Reason.BAD_NUMBER, f"an integer has at most {_LONGEST_INTEGER} digits", text, at)
    return Token(Kind.NUMBER, digits, int(digits), at)


def _error(reason: Reason, message: str, text: str, at: int) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(reason, message, Position.within(text, at))
