"""The Idempotency-Key request header: whoever repeats a request with its key has made it once."""

import re
from collections.abc import Sequence
from typing import Any, Final

from flowforge.api.invalid import bad_header

IDEMPOTENCY_KEY: Final = r"^[\x20-\x7e]{1,255}$"
"""What a key may look like, as a pattern of JSON Schema."""


def idempotency_key(headers: Sequence[str]) -> str | None:
    """Return the request's key, None where it has none.

    Args:
        headers: the values of all Idempotency-Key headers.

    Raises:
        MalformedInput: it is no key, or there are several.
    """
    if not headers:
        return None
    if len(headers) > 1 or re.fullmatch(IDEMPOTENCY_KEY, headers[0]) is None:
        raise bad_header("Idempotency-Key", "must be 1 to 255 printable ASCII characters, once")
    return headers[0]


def documented(description: str, *, required: bool = False) -> dict[str, Any]:
    """Return the header as OpenAPI documents it."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY},
    }
