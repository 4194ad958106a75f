"""The content address of a definition: equal bodies have equal addresses, whatever they were written in."""

import hashlib
import json
from typing import Any


def canonical_bytes(value: Any) -> bytes:
    """Return the one way to write a JSON value: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def address_of(body: Any) -> str:
    """Return `sha256:` and the digest of a definition's canonical form, as `Definition.canonical` gives it."""
    return f"sha256:{hashlib.sha256(canonical_bytes(body)).hexdigest()}"
