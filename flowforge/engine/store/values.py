"""Values that are too large for a run to carry: each is written once, under the name that the run knows it by."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select

from flowforge.engine.core.stored import Stored
from flowforge.engine.sizes import sized_text
from flowforge.errors import NotFound
from flowforge.persistence.database import Database
from flowforge.persistence.tables.engine import RUN_VALUES

WHOLE: Final = -1
"""The part under which a value is kept that has no parts."""

_SIZE: Final = select(RUN_VALUES.c.size).where(
    RUN_VALUES.c.ref == bindparam("of"), RUN_VALUES.c.part == bindparam("at")
)
_BODY: Final = select(RUN_VALUES.c.body).where(
    RUN_VALUES.c.ref == bindparam("of"), RUN_VALUES.c.part == bindparam("at")
)
_PARTS: Final = select(RUN_VALUES.c.part, RUN_VALUES.c.body).where(
    RUN_VALUES.c.ref == bindparam("of"), RUN_VALUES.c.part > WHOLE
)
_SPAN: Final = select(RUN_VALUES.c.part, RUN_VALUES.c.body).where(
    RUN_VALUES.c.ref == bindparam("of"), RUN_VALUES.c.part.between(bindparam("first"), bindparam("last"))
)
_ANY: Final = select(func.count(), func.sum(RUN_VALUES.c.size)).where(RUN_VALUES.c.ref == bindparam("of"))
_INSERT: Final = insert(RUN_VALUES)


class RunValues:
    """Keeps and finds values; every method raises DatabaseUnavailable where the database is away.

    What is written first under a name stays: an attempt that lives on beside its successor changes nothing that was
    answered. Nothing is removed while the run's row is there; whoever removes that removes what begins with its id.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, ref: str, value: Any, *, part: int | None = None) -> Stored:
        """Keep a value, or one item's result; return what stands for it."""
        [row] = _rows(ref, [value], first=WHOLE if part is None else part)
        size = await self._database.write(_keep, row)
        return Stored(ref=ref, size=size, item=part)

    async def keep_list(self, ref: str, values: list[Any]) -> Stored:
        """Keep a list, so that each item can be had alone."""
        # Beside the one thread that writes: all other writes of the process would wait for it.
        rows = await asyncio.to_thread(_rows, ref, values)
        count, size = await self._database.write(_keep_list, ref, rows)
        return Stored(ref=ref, size=size, count=count)

    async def fetch(self, wanted: Mapping[str, Stored]) -> dict[str, Any]:
        """Return values by the names under which they are wanted.

        Raises:
            NotFound: one is not there any more.
        """
        return await self._database.read(fetch, wanted) if wanted else {}


def fetch(connection: Connection, wanted: Mapping[str, Stored]) -> dict[str, Any]:
    """Do what RunValues.fetch does, in a transaction that is open already."""
    return {name: _fetch(connection, stored) for name, stored in wanted.items()}


def texts(connection: Connection, stored: Stored, first: int, count: int) -> list[str]:
    """Return a value as JSON texts: of a list, so many of its parts; of any other value, the one that it is."""
    if stored.count is None or stored.item is not None:
        return [_body(connection, stored)]
    found = ["null"] * min(count, stored.count - first)
    span = {"of": stored.ref, "first": first, "last": first + len(found) - 1}
    for part, body in connection.execute(_SPAN, span):
        found[part - first] = body
    for at, value in stored.inline:
        if 0 <= at - first < len(found):
            found[at - first] = json.dumps(value)
    return found


def _fetch(connection: Connection, stored: Stored) -> Any:
    if stored.count is not None and stored.item is None:
        found: list[Any] = [None] * stored.count
        for part, body in connection.execute(_PARTS, {"of": stored.ref}):
            if part < stored.count:
                found[part] = json.loads(body)
        for at, value in stored.inline:
            found[at] = value
        return found
    return json.loads(_body(connection, stored))


def _body(connection: Connection, stored: Stored) -> str:
    part = WHOLE if stored.item is None else stored.item
    body: str | None = connection.execute(_BODY, {"of": stored.ref, "at": part}).scalar()
    if body is None:
        raise NotFound(f"there is no value {stored.ref!r} any more")
    return body


def _keep(connection: Connection, row: Mapping[str, Any]) -> int:
    """Write a value, unless one is there; return the size of the one that is there then."""
    size: int | None = connection.execute(_SIZE, {"of": row["ref"], "at": row["part"]}).scalar()
    if size is not None:
        return size
    connection.execute(_INSERT, row)
    return int(row["size"])


def _keep_list(connection: Connection, ref: str, rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Write a list's parts, unless some are there; return how many are there then, and their size."""
    count, size = connection.execute(_ANY, {"of": ref}).one()
    if count or not rows:
        return count, int(size or 0)
    connection.execute(_INSERT, rows)
    return len(rows), sum(row["size"] for row in rows)


def _rows(ref: str, values: Sequence[Any], *, first: int = 0) -> list[dict[str, Any]]:
    rows = []
    for part, value in enumerate(values, start=first):
        body, size = sized_text(value)
        rows.append({"ref": ref, "part": part, "size": size, "body": body})
    return rows
