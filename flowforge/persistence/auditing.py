"""Questions to the database at rest, each a query that returns no row when all is well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, text

from flowforge.persistence.types import UtcTimestamp

Area = Literal["money", "stock", "shipping", "liveness", "once", "orphans", "runs"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the database.

    Attributes:
        name: what is checked, in one line.
        query: selects one column, the id of each offender; may use `:late`, the latest deadline that has passed.
        is_violation: False for what is only listed, for an operator to see.
    """

    area: Area
    name: str
    query: str
    is_violation: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check's answer.

    Attributes:
        count: how many offenders there are.
        examples: the ids of the first of them.
    """

    check: Check
    count: int
    examples: tuple[str, ...]

    @property
    def is_violation(self) -> bool:
        """Whether something is wrong."""
        return self.check.is_violation and self.count > 0


def ask(connection: Connection, checks: Sequence[Check], late: datetime) -> list[Finding]:
    """Ask questions, in one transaction.

    Args:
        connection: best a reading one; nothing is written.
        checks: what to ask.
        late: the latest deadline that has passed, aware UTC.

    Returns:
        One finding a check, with a count of 0 where all is well.
    """
    return [_find(connection, check, late) for check in checks]


def _find(connection: Connection, check: Check, late: datetime) -> Finding:
    statement = text(check.query)
    if ":late" in check.query:
        statement = statement.bindparams(bindparam("late", late, type_=UtcTimestamp))
    offenders = sorted(str(row[0]) for row in connection.execute(statement))
    return Finding(check=check, count=len(offenders), examples=tuple(offenders[:_SHOWN]))
