"""Checks of the whole database at rest: each is a query that returns no row when all is well.

They hold at any moment, too, since effect, ledger row and order row are written in one transaction.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from flowforge.orders.checks.liveness import LIVENESS
from flowforge.orders.checks.money import MONEY
from flowforge.orders.checks.once import ONCE
from flowforge.orders.checks.shipping import SHIPPING
from flowforge.orders.checks.stock import STOCK
from flowforge.persistence.auditing import Check, Finding, ask

LIVENESS_GRACE: Final = timedelta(seconds=60)
"""How long after its deadline an order may still be unwinding before that is a finding."""

CHECKS: Final[Sequence[Check]] = (*MONEY, *STOCK, *SHIPPING, *LIVENESS, *ONCE)
"""Every check, in the order in which they are told."""


def audit(connection: Connection, now: datetime | None = None) -> list[Finding]:
    """Run every check in one transaction.

    Args:
        connection: best a reading one; nothing is written.
        now: when the audit takes place, aware UTC; None for now.

    Returns:
        One finding a check, with a count of 0 where all is well.
    """
    late = (datetime.now(UTC) if now is None else now) - LIVENESS_GRACE
    return ask(connection, CHECKS, late)
