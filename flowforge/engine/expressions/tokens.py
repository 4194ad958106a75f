"""The tokens of an expression's text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from flowforge.engine.expressions.errors import ExpressionSyntaxError, Position, Reason
from flowforge.engine.expressions.numbers import WHITESPACE
from flowforge.engine.expressions.strings import QUOTED, QUOTES, meaning

Kind = Literal["number", "string", "name", "sign", "end"]
"""What a token is."""


@dataclass(slots=True)  # not frozen: that makes them three times as slow, and a large definition has ten thousand
class Token:
    """A token.

    Attributes:
        kind: what it is.
        text: as it is written; empty at the end. It alone tells a sign: nothing else is written as one is.
        value: of a number or a string, what it means.
        at: its offset.
    """

    kind: Kind
    text: str
    value: int | float | str
    at: int


_LONGEST_INTEGER: Final = 309  # digits; a longer one is Infinity in JavaScript

_NAME: Final = r"[\w$]+"
# The longest signs first, as JavaScript reads them: what we do not have must not be read as two signs that we have.
_SIGN: Final = r"""
      [()\[\]{}:,]
    | >>>= | \*\*= | <<= | >>= | &&= | \|\|= | \?\?= | \.\.\. | === | !== | >>>
    | => | == | != | <= | >= | && | \|\| | \?\? | \?\.(?![0-9]) | \+\+ | -- | \*\* | << | >> | \+= | -= | \*= | %= | /=
    | &= | \|= | \^= | // | /\*
    | [-<>!+*/%?.=&|^~;`\#@\\]
"""
_TOKEN: Final = re.compile(
    rf"""
    [{WHITESPACE}]*+
    (?: (?P<name> (?![0-9]){_NAME} )
      | (?P<number> (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
      | (?P<string> {QUOTED} )
      | (?P<sign> {_SIGN} )
      | (?P<other> [\s\S] )
      | (?P<end> \Z ) )
    """,
    re.VERBOSE,
)
_TAIL: Final = re.compile(_NAME)
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
    for found in _TOKEN.finditer(text):  # something fits everywhere: there is nothing between two matches
        kind, group = found.lastgroup, found.lastindex or 0
        written, at = found[group], found.start(group)
        if kind == "name" and (written.isascii() or written.replace("$", "_").isidentifier()):
            yield Token("name", written, written, at)
        elif kind == "sign" and written in SIGNS:
            yield Token("sign", written, written, at)
        elif kind == "number":
            yield _number(text, written, at)
        elif kind == "string":
            yield Token("string", written, meaning(written, text, at), at)
        elif kind == "end":
            yield Token("end", "", "", at)
            return
        else:
            raise _refusal(kind, written, text, at)


def _number(text: str, digits: str, at: int) -> Token:
    after = _TAIL.match(text, at + len(digits))
    if after or (len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()):
        written = digits + (after.group() if after else "")
        shown = f"`{written}`" if len(written) <= 32 else "this"
        raise _error(Reason.BAD_NUMBER, f"{shown} is no number; numbers are decimal, like 12 or 0.5 or 1e3", text, at)
    if not digits.isdecimal():
        return Token("number", digits, float(digits), at)
    if len(digits) > _LONGEST_INTEGER:
        raise _error(Reason.BAD_NUMBER, f"an integer has at most {_LONGEST_INTEGER} digits", text, at)
    return Token("number", digits, int(digits), at)


def _refusal(kind: str | None, written: str, text: str, at: int) -> ExpressionSyntaxError:
    if kind == "sign":
        message = f"`{written}` is not part of this language{_ADVICE.get(written, '')}"
        return _error(Reason.UNSUPPORTED, message, text, at)
    if written in QUOTES:
        return _error(Reason.BAD_STRING, "this string does not end", text, at)
    shown = f"`{text[at]}`" if text[at].isprintable() else f"U+{ord(text[at]):04X}"
    return _error(Reason.UNEXPECTED_CHARACTER, f"{shown} has no meaning here", text, at)


def _error(reason: Reason, message: str, text: str, at: int) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(reason, message, Position.within(text, at))
