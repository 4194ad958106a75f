"""Prefixed, time-ordered identifiers, and the grammar of identifiers that come from outside."""

import hashlib
import re
from typing import Final

import uuid_utils

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""What an identifier given by a client may look like (matched whole)."""


_NAMED: Final = "ord_w."
"""Begins the order ids that are made of a client's workflow id; no other order id has a dot."""


def new_order_id() -> str:
    """Return a new order id, `ord_` and 32 hexadecimal digits; later ids sort after earlier ones."""
    return f"ord_{uuid_utils.uuid7().hex}"


def order_id_of(workflow_id: str) -> str:
    """Return the id of the order that runs under a workflow id: the inverse of `workflow_id_for`.

    The order of a workflow id that a client chose gets an id made of it, so that either name leads to the other
    without looking anything up.
    """
    generated = re.fullmatch(r"order-(ord_[0-9a-f]{32}(?:~[0-9]+)?)", workflow_id)
    return generated[1] if generated else f"{_NAMED}{workflow_id}"


def new_execution_id() -> str:
    """Return a new execution id, `exec-` and 32 hexadecimal digits; later ids sort after earlier ones."""
    return f"exec-{uuid_utils.uuid7().hex}"


def new_request_id() -> str:
    """Return a new request id, `req_` and 32 hexadecimal digits."""
    return f"req_{uuid_utils.uuid7().hex}"


def new_charge_id() -> str:
    """Return a new charge id, `ch_` and 32 hexadecimal digits."""
    return f"ch_{uuid_utils.uuid7().hex}"


def new_refund_id() -> str:
    """Return a new refund id, `re_` and 32 hexadecimal digits; later ids sort after earlier ones."""
    return f"re_{uuid_utils.uuid7().hex}"


def new_shipment_id() -> str:
    """Return a new shipment id, `sh_` and 32 hexadecimal digits; later ids sort after earlier ones."""
    return f"sh_{uuid_utils.uuid7().hex}"


def workflow_id_for(order_id: str) -> str:
    """Return the workflow id of an order: `order-` and its id, or the one that its client chose."""
    return order_id.removeprefix(_NAMED) if order_id.startswith(_NAMED) else f"order-{order_id}"


def workflow_id_of_retry(workflow_id: str) -> str:
    """Return the workflow id under which an order is tried again: `<first>~2`, then `<first>~3` and so on.

    `~` is in no identifier that a client may choose.
    """
    first, _, number = workflow_id.partition("~")
    return f"{first}~{int(number or 1) + 1}"


def workflow_id_of_unwinding(workflow_id: str) -> str:
    """Return the workflow id of the run that unwinds an order whose own run is gone."""
    return f"{workflow_id}~unwind"


def workflow_id_of_return(workflow_id: str) -> str:
    """Return the workflow id of the run that returns a completed order."""
    return f"{workflow_id}~return"


def workflow_id_of_key(idempotency_key: str) -> str:
    """Return the workflow id of the order that is placed with an idempotency key, the same in every process."""
    return f"key-{hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]}"
