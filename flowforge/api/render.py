"""Answers in JSON, written once: FastAPI would take each apart and validate it again."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

# ASCII with escapes: whatever a failure's text holds, half a surrogate pair too, becomes a JSON that can be sent.
_ENCODER: Final = json.JSONEncoder(allow_nan=False)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body.

    Args:
        value: what to write: dicts, lists, strings, numbers, booleans and None. Never a float that is not finite.
        status: the HTTP status.
        headers: more headers.
    """
    return Response(_ENCODER.encode(value), status, headers, "application/json")
