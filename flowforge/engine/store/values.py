"""Values that are too large for a run to carry: each is written once, under the name that the run knows it by."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select

from flowforge.engine.core.stored import Stored
from flowforge.engine.sizes import size_of
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
        return await self._database.write(_keep, ref, value, part)

    async def keep_list(self, ref: str, values: list[Any]) -> Stored:
        """Keep a list, so that each item can be had alone."""
        return await self._database.write(_keep_list, ref, values)

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


def _keep(connection: Connection, ref: str, value: Any, part: int | None) -> Stored:
    at = WHOLE if part is None else part
    size = connection.execute(_SIZE, {"of": ref, "at": at}).scalar()
    if size is None:
        size = size_of(value)
        connection.execute(_INSERT, {"ref": ref, "part": at, "size": size, "body": json.dumps(value)})
    return Stored(ref=ref, size=size, item=part)


def _keep_list(connection: Connection, ref: str, values: list[Any]) -> Stored:
    count, size = connection.execute(_ANY, {"of": ref}).one()
    if count == 0 and values:
        rows = list(_rows(ref, values))
        connection.execute(_INSERT, rows)
        count, size = len(rows), sum(row["size"] for row in rows)
    return Stored(ref=ref, size=int(size or 0), count=count)


def _rows(ref: str, values: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for at, value in enumerate(values):
        yield {"ref": ref, "part": at, "size": size_of(value), "body": json.dumps(value)}
