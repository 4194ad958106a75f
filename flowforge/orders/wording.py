"""What the events of an order say to people."""

from collections.abc import Mapping
from typing import Any, Final

from flowforge.money import Money

_STARTED: Final[Mapping[str, str]] = {
    "check_inventory": "checking the stock for {units}",
    "reserve_inventory": "reserving {units}",
    "process_payment": "charging {amount}",
    "update_warehouse": "shipping {units}",
    "capture_payment": "taking {amount}",
    "create_shipment": "booking a parcel",
    "notify_customer": "telling the customer",
}
_COMPLETED: Final[Mapping[str, str]] = {
    "check_inventory": "{units} in stock for {amount}",
    "reserve_inventory": "reserved {units}",
    "process_payment": "charged {amount} ({charge})",
    "update_warehouse": "shipped {units}",
    "capture_payment": "took {amount}",
    "create_shipment": "booked a parcel",
    "notify_customer": "told the customer",
}
_UNDONE: Final[Mapping[str, str]] = {
    "reserve_inventory": "released {units}",
    "process_payment": "{taken_back}",
    "update_warehouse": "{units} back from shipping",
    "capture_payment": "{taken_back}",
    "create_shipment": "called the parcel back",
}


class Wording:
    """Words the events of one order."""

    def __init__(self, units: str, money: Money | None, charge_id: str | None) -> None:
        self._facts = {"units": units, "amount": "the order" if money is None else str(money), "charge": charge_id}

    def started(self, step: str) -> str:
        """Say that a step began."""
        return _STARTED.get(step, "started").format_map(self._facts)

    def completed(self, step: str) -> str:
        """Say what a step did."""
        return _COMPLETED.get(step, "completed").format_map(self._facts)

    def undone(self, step: str, told: Mapping[str, Any]) -> str:
        """Say how a step was undone, as its service told it; see Entry.reversed."""
        return _UNDONE.get(step, "undone").format_map({**self._facts, "taken_back": _taken_back(told)})


def undoing(undo: str) -> str:
    """Say that an undo began."""
    return f"undoing with {undo}"


PAUSED: Final = "paused: the next step waits"
RESUMED: Final = "resumed"
NOTHING_LEFT: Final = "nothing was left to refund"
NOTHING_TO_UNDO: Final = "nothing to undo; it cannot happen any more"


def given_up(why: str) -> str:
    """Say that a step was given up on which nothing hangs."""
    return f"given up: {why}; nothing else hangs on it"


def returned(units: str, refunded: str | None) -> str:
    """Say that an order came back."""
    return f"{units} back in stock, {NOTHING_LEFT if refunded is None else f'refunded {refunded}'}"


def attempt_failed(attempt: int, message: str, undo: str | None) -> str:
    """Say that an attempt failed and another will follow."""
    what = "attempt" if undo is None else f"{undo}, attempt"
    return f"{what} {attempt} failed: {message}; it will be tried again"


def written_off(undo: str, by: str) -> str:
    """Say that an undo was given up, by whom and why."""
    return f"{undo} written off by {by}"


def _taken_back(told: Mapping[str, Any]) -> str:
    """Say what became of the money: what was given back may be less than what was paid, or nothing."""
    for what in ("refunded", "voided"):
        if amount_minor := told.get(f"{what}_minor"):
            return f"{what} {Money(amount_minor=amount_minor, currency=told['currency'])}"
    return NOTHING_LEFT
