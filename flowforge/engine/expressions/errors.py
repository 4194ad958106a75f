"""What can be wrong with an expression, when it is published and when it is evaluated."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

_NEWLINE: Final = re.compile(r"\r\n|[\n\r]")


class Reason(StrEnum):
    """Why an expression is refused or failed. The values are stable: programs may compare them."""

    # when it is published
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    UNEXPECTED_CHARACTER = "unexpected_character"
    UNEXPECTED_TOKEN = "unexpected_token"  # noqa: S105  no password
    UNEXPECTED_END = "unexpected_end"
    BAD_NUMBER = "bad_number"
    BAD_STRING = "bad_string"
    RESERVED_WORD = "reserved_word"
    UNSUPPORTED = "unsupported"
    UNKNOWN_FUNCTION = "unknown_function"
    WRONG_ARGUMENTS = "wrong_arguments"
    MIXED_OPERATORS = "mixed_operators"
    # when it is evaluated
    CANNOT_READ = "cannot_read"
    NO_SUCH_METHOD = "no_such_method"
    NOT_AN_OBJECT = "not_an_object"
    NO_COERCION = "no_coercion"
    NO_IDENTITY = "no_identity"
    INEXACT_NUMBER = "inexact_number"
    FOREIGN_VALUE = "foreign_value"
    TOO_MANY_STEPS = "too_many_steps"
    # either
    LONE_SURROGATE = "lone_surrogate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where something stands in a text.

    Attributes:
        offset: characters before it, from 0.
        line: its line, from 1.
        column: its column in that line, in characters, from 1.
    """

    offset: int
    line: int
    column: int

    @classmethod
    def within(cls, text: str, offset: int) -> Self:
        """Return the position of the character at `offset` of `text`."""
        line, start = 1, 0
        for newline in _NEWLINE.finditer(text, 0, offset):
            line, start = line + 1, newline.end()
        return cls(offset=offset, line=line, column=offset - start + 1)


class ExpressionError(ValueError):
    """Something is wrong with an expression.

    Attributes:
        reason: stable, for programs.
        message: one sentence for people; it never holds a value from the data.
        position: where in the expression's text.
    """

    def __init__(self, reason: Reason, message: str, position: Position) -> None:
        super().__init__(f"{message} (line {position.line}, column {position.column})")
        self.reason = reason
        self.message = message
        self.position = position


class ExpressionSyntaxError(ExpressionError):
    """The text is no expression of this language; it can be known before anything runs."""


class ExpressionFailure(ExpressionError):
    """The expression cannot be evaluated with these data; evaluating it again with them fails again."""
