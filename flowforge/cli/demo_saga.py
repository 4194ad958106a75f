"""What the demo knows of one order: its saga's rows, as its events tell of them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from flowforge.money import Money
from flowforge.orders.saga import PLAIN

RowStatus = Literal["waiting", "running", "done", "failed", "undoing", "undone"]

_STATUS: Final[dict[str, RowStatus]] = {
    "started": "running",
    "completed": "done",
    "failed": "failed",
    "compensating": "undoing",
    "compensated": "undone",
}
_UNDO_OF: Final = {step.name: step.undo.name for step in PLAIN if step.undo is not None}
_CHARGE_ID: Final = re.compile(r" \(ch_\w+\)")


@dataclass(slots=True)
class Row:
    """A step or an undo, as it is; `after_ms` counts from the order's acceptance."""

    name: str
    status: RowStatus = "waiting"
    told: str = ""
    after_ms: int | None = None


@dataclass(slots=True)
class ShownSaga:
    """One order on the screen.

    Attributes:
        title: what the order is there to show.
        rows: the steps, then the undos as they begin.
        verdict: how it ended, in one line; empty until then.
        is_as_it_should: whether it ended as this order is meant to.
    """

    title: str
    rows: list[Row] = field(default_factory=lambda: [Row(step.name) for step in PLAIN])
    verdict: str = ""
    is_as_it_should: bool = False

    def take(self, event: dict[str, Any], accepted_at: datetime) -> Row:
        """Take in an event as the API tells it; return the row that it changed."""
        status = _STATUS[event["status"]]
        name = event["step"]
        if status in {"undoing", "undone"}:
            name = _UNDO_OF.get(name, name)
        row = next((row for row in self.rows if row.name == name), None)
        if row is None:
            row = Row(name)
            self.rows.append(row)
        row.status = status
        row.told = _CHARGE_ID.sub("", event["message"]).removeprefix(f"{name} ")
        row.after_ms = round((datetime.fromisoformat(event["timestamp"]) - accepted_at).total_seconds() * 1000)
        return row

    def end(self, order: dict[str, Any], payments: list[dict[str, Any]], *, should: str) -> None:
        """Take in how the order ended, and judge it.

        Args:
            order: the order as the API tells it.
            payments: its charges.
            should: the status that it is meant to end with.
        """
        units = f"{order['quantity']} units"
        if order["status"] == "completed":
            self.verdict = f"completed: {_money(order)} paid, {units} shipped"
            self.is_as_it_should = should == "completed" and [each["status"] for each in payments] == ["charged"]
            return
        settled = all(undo["status"] in {"completed", "not_needed"} for undo in order["compensations"])
        refunded = all(payment["status"] == "refunded" for payment in payments)
        if order["status"] not in {"failed", "cancelled"} or not settled or not refunded:
            self.verdict = f"{order['status'].replace('_', ' ')}, and not made whole: {order['failure_reason']}"
            return
        undone = {undo["name"] for undo in order["compensations"] if undo["status"] == "completed"}
        parts = [f"{_money(payment)} {payment['phase']}" for payment in payments]
        parts += [f"{units} released"] if "release_inventory" in undone else []
        self.verdict = f"made whole: {', '.join(parts) or 'nothing had been done'}"
        self.is_as_it_should = should == order["status"]


def _money(of: dict[str, Any]) -> Money:
    return Money(amount_minor=of["amount_minor"], currency=of["currency"])
