"""Fault points: named places around every fenced transaction where this process dies or freezes, if that was asked for.

They are how it is proved that an order outlives its worker. The process ends by SIGKILL of itself, without a last word,
or stops by SIGSTOP and is a zombie that commits late when it is continued. No exception is ever raised here.
"""

import itertools
import re
import signal
from collections.abc import Callable
from typing import Final, Literal

from flowforge.errors import StartupError

Moment = Literal["before", "inside", "after-commit"]
"""Before the transaction begins; inside it, when everything is written; after its commit and before its answer."""

Reach = Callable[[str, Moment], None]
"""Called at every fault point, with the operation and the moment."""

OPERATIONS: Final = (
    "inventory.quote",
    "inventory.reserve",
    "payments.charge",
    "warehouse.apply",
    "inventory.reserve.undo",
    "payments.charge.undo",
    "warehouse.apply.undo",
    "orders.close.completed",
    "orders.close.compensating",
    "orders.close.failed",
    "orders.close.cancelled",
    "orders.close.needs_attention",
)
"""The transactions of a saga, as the ledger names them; its undos, and the moves of its owner's row by their target."""

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_ASKED: Final = re.compile(r"(kill|stop):([a-z_.]+):(before|inside|after-commit)(?::([1-9]\d{0,8}))?")


def nowhere(operation: str, moment: Moment) -> None:
    """Be a fault point at which nothing happens: the default."""


class FaultPoint:
    """The one fault point at which this process is to end or to freeze. Calling it is to reach a fault point."""

    def __init__(self, asked: str) -> None:
        """Take what was asked for: `kill|stop:<operation>:<moment>`, and `:<n>` for the n-th time it is reached.

        Raises:
            StartupError: there is no such fault point.
        """
        match = _ASKED.fullmatch(asked)
        if match is None or match[2] not in OPERATIONS:
            raise StartupError(
                f"FLOWFORGE_FAULT_POINT={asked!r} is not allowed; allowed: kill or stop, the operation, and before, "
                f"inside or after-commit, for example kill:payments.charge:after-commit (and :2 for the second time); "
                f"operations: {', '.join(OPERATIONS)}"
            )
        self._signal: Final = _SIGNALS[match[1]]
        self._place: Final = (match[2], match[3])
        self._time: Final = int(match[4] or 1)
        self._times = itertools.count(1)

    def __call__(self, operation: str, moment: Moment) -> None:
        """End or freeze the process, if it is here and now that it was asked for."""
        if (operation, moment) == self._place and next(self._times) == self._time:
            # To this very thread, which may be the database's: it goes no further, the rest of the process neither.
            signal.raise_signal(self._signal)

    @classmethod
    def reach(cls, asked: str, *, is_allowed: bool) -> Reach:
        """Return what is to be called at every fault point.

        Args:
            asked: see the constructor; empty for none.
            is_allowed: whether faults may be injected at all.

        Raises:
            StartupError: there is no such fault point.
        """
        return cls(asked) if asked and is_allowed else nowhere
