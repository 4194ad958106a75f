"""Fault points: named places around every fenced transaction where this process dies or freezes, if that was asked for.

They are how it is proved that an order outlives its worker. The process ends by SIGKILL of itself, without a last word,
or stops by SIGSTOP and is a zombie that commits late when it is continued: a death is never played by an exception.
Only a service that is out of order is: `fail` is one that may come back, `refuse` one that never will.
"""

import itertools
import re
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Literal

from flowforge.errors import InjectedFault, StartupError

Moment = Literal["before", "inside", "after-commit"]
"""Before the transaction begins; inside it, when everything is written; after its commit and before its answer."""

Reach = Callable[[str, Moment], None]
"""Called at every fault point, with the operation and the moment."""

OPERATIONS: Final = (
    "inventory.quote",
    "inventory.reserve",
    "payments.charge",
    "warehouse.apply",
    "payments.capture",
    "shipping.create",
    "notices.send",
    "inventory.reserve.undo",
    "payments.charge.undo",
    "warehouse.apply.undo",
    "payments.capture.undo",
    "shipping.create.undo",
    "inventory.reserve.write_off",
    "payments.charge.write_off",
    "warehouse.apply.write_off",
    "payments.capture.write_off",
    "shipping.create.write_off",
    "shipping.take_back",
    "warehouse.restock",
    "payments.refund_rest",
    "orders.returned",
    "orders.close.completed",
    "orders.close.compensating",
    "orders.close.failed",
    "orders.close.cancelled",
    "orders.close.needs_attention",
    "orders.close.paused",
    "orders.close.running",
)
"""The transactions of a saga, as the ledger names them; its undos, and the moves of its owner's row by their target."""

OF_SAMPLES: Final = tuple(
    f"{operation}{undo}"
    for operation in ("samples.effect", "samples.debit", "samples.credit")
    for undo in ("", ".undo")
)
"""Those of the sample actions, by which runs of the bundled sagas outlive their workers."""

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_ASKED: Final = re.compile(r"(kill|stop|fail|refuse):([a-z_.]+):(before|inside|after-commit)(?::([1-9]\d{0,8}))?")


def nowhere(operation: str, moment: Moment) -> None:
    """Be a fault point at which nothing happens: the default."""


class FaultPoint:
    """A fault point at which something is to happen. Calling it is to reach a fault point.

    `kill` and `stop` do it once, at the n-th time the point is reached, or the first. `fail` fails the first n times,
    or each time; so does `refuse`, and after the attempts that an injected fault is given, that is for good.
    """

    def __init__(self, asked: str) -> None:
        """Take what was asked for: `kill|stop|fail|refuse:<operation>:<moment>`, and `:<n>`.

        Raises:
            StartupError: there is no such fault point.
        """
        match = _ASKED.fullmatch(asked)
        if match is None or match[2] not in {*OPERATIONS, *OF_SAMPLES}:
            raise StartupError(
                f"FLOWFORGE_FAULT_POINT={asked!r} is not allowed; allowed: kill, stop, fail or refuse, the operation, "
                f"and before, inside or after-commit, for example kill:payments.charge:after-commit (and :2 for the "
                f"second time), several with commas between; operations: {', '.join((*OPERATIONS, *OF_SAMPLES))}"
            )
        self._kind: Final = match[1]
        self._place: Final = (match[2], match[3])
        self._number: Final = None if match[4] is None else int(match[4])
        self._times = itertools.count(1)

    def __call__(self, operation: str, moment: Moment) -> None:
        """Do what was asked for, if it is here and now.

        Raises:
            ConnectionError: `fail`.
            InjectedFault: `refuse`.
        """
        if (operation, moment) != self._place:
            return
        time = next(self._times)
        if self._kind in _SIGNALS:
            if time == (self._number or 1):
                # To this very thread, which may be the database's: it goes no further, the rest of the process neither.
                signal.raise_signal(_SIGNALS[self._kind])
        elif self._number is None or time <= self._number:
            if self._kind == "fail":
                raise ConnectionError(f"{operation} is out of order")
            raise InjectedFault(f"{operation} is refused")

    @classmethod
    def reach(cls, asked: str, *, is_allowed: bool) -> Reach:
        """Return what is to be called at every fault point.

        Args:
            asked: see the constructor, several with commas between; empty for none.
            is_allowed: whether faults may be injected at all.

        Raises:
            StartupError: there is no such fault point.
        """
        if not asked or not is_allowed:
            return nowhere
        points = [cls(each) for each in asked.split(",")]
        return points[0] if len(points) == 1 else partial(_reach_all, points)


def _reach_all(points: Sequence[Reach], operation: str, moment: Moment) -> None:
    for point in points:
        point(operation, moment)
