"""Lists in pages: an opaque cursor in, a Link to the next page out (RFC 8288)."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Query

from flowforge.api.invalid import InputError, InvalidInput

MAX_LIMIT: Final = 200
"""The most entries one page holds."""

_KEY: Final = re.compile(r"[A-Za-z0-9._~-]{1,141}")

Entry = TypeVar("Entry")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The most entries to answer with.")]
Cursor = Annotated[
    str | None,
    Query(max_length=256, description="Where the page begins; take it from the Link header of the page before."),
]


def position(cursor: str | None) -> str | None:
    """Return the id that a cursor stands for.

    Raises:
        InvalidInput: this API made no such cursor.
    """
    if cursor is None:
        return None
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        key = ""
    if _KEY.fullmatch(key) is None:
        raise bad_cursor()
    return key


def number(cursor: str | None) -> int | None:
    """Return the number that a cursor stands for.

    Raises:
        InvalidInput: this API made no such cursor.
    """
    key = position(cursor)
    if key is None:
        return None
    if not (key.isdigit() and len(key) <= 18):
        raise bad_cursor()
    return int(key)


def page(
    path: str,
    found: Sequence[Entry],
    *,
    limit: int,
    key: Callable[[Entry], str],
    filters: Mapping[str, str | None],
) -> tuple[Sequence[Entry], dict[str, str]]:
    """Cut a page out of what was found, and name the next one.

    Args:
        path: the list's path.
        found: the entries, asked for with a limit of one more than the page holds.
        limit: how many entries the page holds.
        key: an entry's id, which the next page begins after.
        filters: the list's other query parameters; None for those not given.

    Returns:
        The entries of the page, and its headers.
    """
    entries = found[:limit]
    if len(found) <= limit:
        return entries, {}
    given = {name: value for name, value in filters.items() if value is not None}
    query = urlencode({**given, "limit": limit, "cursor": cursor_of(key(entries[-1]))})
    return entries, {"Link": f'<{path}?{query}>; rel="next"'}


def cursor_of(key: str) -> str:
    """Return the cursor of what comes after the entry with this id."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def bad_cursor() -> InvalidInput:
    """Return the error for a cursor that this API did not make."""
    detail = "is no cursor that this API made"
    return InvalidInput([InputError(code="cursor_invalid", detail=detail, place="query", parameter="cursor")])
