"""Prefixed, time-ordered identifiers, and the grammar of identifiers that come from outside."""

import re
from typing import Final

import uuid_utils

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What an identifier given by a client may look like (matched whole)."""


def new_order_id() -> str:
    """Return a new order id, `ord_` and 32 hexadecimal digits; later ids sort after earlier ones."""
    return f"ord_{uuid_utils.uuid7().hex}"


def new_request_id() -> str:
    """Return a new request id, `req_` and 32 hexadecimal digits."""
    return f"req_{uuid_utils.uuid7().hex}"


def new_charge_id() -> str:
    """Return a new charge id, `ch_` and 32 hexadecimal digits."""
    return f"ch_{uuid_utils.uuid7().hex}"


def workflow_id_for(order_id: str) -> str:
    """Return the workflow id an order gets when its client named none."""
    return f"order-{order_id}"


def is_identifier(text: str) -> bool:
    """Tell whether a client may use `text` as an identifier."""
    return IDENTIFIER.fullmatch(text) is not None
