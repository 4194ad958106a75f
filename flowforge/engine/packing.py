"""What a run takes along, compressed: a state of ten thousand items says nearly the same ten thousand times."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

_PACKED: Final = "packed"
_SMALL_BYTES: Final = 16 * 1024
_LEVEL: Final = 1  # it is done inside a workflow task, and takes most of what there is to take


def pack(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object in less room, where it takes much."""
    text = json.dumps(state, separators=(",", ":"))
    if len(text) <= _SMALL_BYTES:
        return dict(state)
    return {_PACKED: base64.b85encode(zlib.compress(text.encode(), _LEVEL)).decode()}


def unpack(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that `pack` was given."""
    if state.keys() != {_PACKED}:
        return dict(state)
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b85decode(state[_PACKED])))
    return found
