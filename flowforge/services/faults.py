"""Faults that somebody asked for: named by FAIL_AT on the worker, or by one order."""

from collections.abc import Mapping
from typing import Final

from flowforge.durable.fence import StepCall
from flowforge.errors import InjectedFault

FAIL_AT_OPERATIONS: Final[Mapping[str, str]] = {
    "inventory-check": "inventory.quote",
    "inventory": "inventory.reserve",
    "payment": "payments.charge",
    "warehouse": "warehouse.apply",
    "capture": "payments.capture",
    "shipment": "shipping.create",
}
"""What FAIL_AT may name, and the operation it means."""

_FINAL_ATTEMPT: Final = 3


class Faults:
    """Raises at its fault points when they were asked for; called by the delivery of every step."""

    def __init__(self, fail_at: str | None = None) -> None:
        """Take the worker's FAIL_AT; empty or None for no faults but those that orders ask for."""
        self._fail_at = fail_at

    def after_commit(self, call: StepCall, operation: str) -> None:
        """Be the fault point after a forward effect was committed and before its answer is given.

        Raises:
            InjectedFault: a fault was asked for here.
        """
        if call.undo is not None:
            return
        for name in (call.fail_at, self._fail_at):
            if name and FAIL_AT_OPERATIONS.get(name) == operation:
                raise InjectedFault(f"FAIL_AT={name}")

    def is_final(self, call: StepCall) -> bool:
        """Tell whether an injected fault of this delivery is for good: the first two of a step are retried."""
        return call.attempt >= _FINAL_ATTEMPT
