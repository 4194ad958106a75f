"""Finds runs by a label, which is written `name:text`: the same runs on every database.

A label is compared as a whole, so a name may hold a colon; and with what its JSON says, not with how it is written, so
it may hold whatever JSON spells in two ways.
"""

import math
from typing import Final

from sqlalchemy import ColumnElement, Numeric, String, Text, and_, case, cast, exists, false, func, literal, or_

from flowforge.persistence.tables.engine import EXECUTIONS

MAX_NAME: Final = 200
"""How many characters a label's name may have: a filter is a part of an address, which may not be of any length."""

MAX_TEXT: Final = 1000
"""The same for its text."""

MAX_LABEL: Final = MAX_NAME + 1 + MAX_TEXT
"""How many both may have, with the colon."""

_LABELS: Final = EXECUTIONS.c.metadata


def is_labelled(label: str, backend: str) -> ColumnElement[bool]:
    """Return the condition that a run has a label; a value that is no text is named as JSON writes it.

    Args:
        label: its name, a colon, its text.
        backend: the database's kind, as SQLAlchemy calls it.
    """
    has_it = _on_sqlite(label) if backend == "sqlite" else _on_postgres(label)
    return case((_holds_nul(), false()), else_=has_it)


def _holds_nul() -> ColumnElement[bool]:
    """Return the condition that NUL is among a run's labels.

    Only somebody who starts it at Temporal can put it there; SQLite cuts the text off at it, and Postgres fails.
    """
    return func.replace(cast(_LABELS, Text), r"\\", "").contains(r"\u0000", autoescape=True)


def _on_postgres(label: str) -> ColumnElement[bool]:
    each = func.json_each_text(_LABELS).table_valued("key", "value")
    return exists().where(each.c.key + ":" + func.coalesce(each.c.value, "null") == label)


def _on_sqlite(label: str) -> ColumnElement[bool]:
    each = func.json_each(_LABELS).table_valued("key", "value", "type")
    name, _, text = label.rpartition(":")
    chosen = [and_(each.c.type == "text", each.c.key.concat(":").concat(each.c.value) == label)]
    if text in {"true", "false", "null"}:
        chosen.append(and_(each.c.key == name, each.c.type == text))
    elif kind := _kind_of_number(text):
        # As a number, because SQLite shows no more than fifteen digits of one.
        number = cast(literal(text, String), Numeric)
        chosen.append(and_(each.c.key == name, each.c.type == kind, each.c.value == number))
    return exists().where(or_(*chosen))


def _kind_of_number(text: str) -> str | None:
    """Return what SQLite calls a number that is written as we write it; None for everything else."""
    try:
        if str(int(text)) == text:
            return "integer"
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return "real" if math.isfinite(number) and repr(number) == text else None
