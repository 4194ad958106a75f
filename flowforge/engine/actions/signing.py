"""Signatures of webhooks, as Standard Webhooks has them: HMAC-SHA256 over id, time and the very bytes of the body."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
"""How old, or how far ahead, a signature may be."""

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys of a setting: `whsec_` and base64, several of them separated by spaces while one is replaced.

    Raises:
        ValueError: one of them is no base64, or has less than 16 bytes.
    """
    return tuple(_key(word) for word in text.split())


def signed_headers(keys: Sequence[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a webhook; without keys there is no signature among them.

    Args:
        keys: signs with each of them.
        message_id: the same for every attempt.
        at: when it is sent, aware.
        body: what is sent.
    """
    seconds = int(at.timestamp())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(seconds)}
    if keys:
        headers["webhook-signature"] = " ".join(_signature(key, message_id, seconds, body) for key in keys)
    return headers


def is_genuine(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: datetime, tolerance: timedelta = TOLERANCE
) -> bool:
    """Tell whether somebody who has one of these keys sent this body, not long ago. Malformed headers are not genuine.

    Args:
        keys: any of them will do.
        headers: of the request, names in lower case.
        body: the very bytes that came.
        now: the time, aware.
        tolerance: how far the signature's time may be away.
    """
    message_id, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
        return False
    if abs(now.timestamp() - int(seconds)) > tolerance.total_seconds():
        return False
    given = [word.encode() for word in headers.get("webhook-signature", "").split()]
    wanted = [_signature(key, message_id, int(seconds), body).encode() for key in keys]
    return any(hmac.compare_digest(one, other) for one in wanted for other in given)


def _signature(key: bytes, message_id: str, seconds: int, body: bytes) -> str:
    digest = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is whsec_ and base64") from error
    if len(key) < 16:
        raise ValueError("a webhook secret has at least 16 bytes")
    return key
