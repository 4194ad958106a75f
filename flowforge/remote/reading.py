"""Reads what a server answered as what Python has for it, and writes what it is told."""

from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from flowforge.remote.answers import Answer
from flowforge.remote.problems import NotUnderstood

A = TypeVar("A", bound=Answer)


def read_as(kind: type[A], answer: Any) -> A:
    """Return an answer as what it should be.

    Raises:
        NotUnderstood: it is something else.
    """
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise not_understood(kind, error) from None


def not_understood(kind: type[Answer], error: ValidationError) -> NotUnderstood:
    """Return the error that says where an answer is not what it should be."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "it"
    return NotUnderstood(f"the server's answer is no {kind.__name__}: {place}: {first['msg']}")


def in_milliseconds(length: timedelta | str | None) -> str | float | None:
    """Return a length of time as the API takes it; a text is one already."""
    return length / timedelta(milliseconds=1) if isinstance(length, timedelta) else length
