"""What operators send, and what they are answered."""

from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from flowforge.orders.contracts import OrderStatus
from flowforge.orders.control import CancelAccepted, ControlAccepted

LINE: Final = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""One line that people write, as a pattern of JSON Schema; blanks alone say nothing.

It is shown in terminals and logs, and Postgres keeps no text with a zero byte: no control characters.
"""

Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=LINE)]
Person = Annotated[str, Field(min_length=1, max_length=100, pattern=LINE)]

UndoName = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9._ -]{1,128}$",
        description="The undo's name, as the order's `compensations` have it.",
        examples=["refund_payment_by_idempotency_key"],
    ),
]


class CancelOrder(BaseModel):
    """Why an order is to be cancelled."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    reason: Reason = Field(description="One line; it is kept with the order.")


class WriteOffUndo(BaseModel):
    """Who gives an undo up, and why."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    reason: Reason = Field(description="One line; it is kept with the order, and the audit counts what is lost.")
    by: Person = Field(description="Who decides so.")


class CancelView(TypedDict):
    """An order that is being cancelled, or was."""

    workflow_id: str
    order_id: str
    reason: Annotated[str, Field(description="The first one that was given.")]


class ControlView(TypedDict):
    """An order that has taken note."""

    workflow_id: str
    order_id: str
    status: Annotated[OrderStatus, Field(description="What it was when it took note; `GET` the order to follow it.")]


def cancel_view(accepted: CancelAccepted) -> CancelView:
    """Return a cancellation as clients see it."""
    return {"workflow_id": accepted.workflow_id, "order_id": accepted.order_id, "reason": accepted.reason}


def control_view(accepted: ControlAccepted) -> ControlView:
    """Return what an order answered as clients see it."""
    return {"workflow_id": accepted.workflow_id, "order_id": accepted.order_id, "status": accepted.status}


CANCEL_EXAMPLES: Final[dict[str, Any]] = {
    "cancel": {"summary": "A customer who thought better of it", "value": {"reason": "the customer changed their mind"}}
}

WRITE_OFF_EXAMPLES: Final[dict[str, Any]] = {
    "write_off": {
        "summary": "A refund that the provider refuses, paid by hand",
        "value": {"reason": "refunded by bank transfer 2026-0117", "by": "ada"},
    }
}
