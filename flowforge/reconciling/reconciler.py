"""The reconciler: sees to it that all that is open has a workflow, in every worker process, one of them at a time.

A workflow that is terminated, or that Temporal has lost, cannot undo anything. Its order, or its run of a definition,
is open in the database and nobody works on it. The reconciler finds such things by their rows, asks Temporal about each
by its name (lists lag), and has them unwound, or gone on with, by a workflow of their own.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection
from temporalio.client import Client

from flowforge.errors import Fault
from flowforge.persistence.database import Database
from flowforge.persistence.leases import Lease, hold
from flowforge.reconciling.one_temporal import OtherTemporal, agree_on, name_of
from flowforge.reconciling.sweeps import Sweep
from flowforge.reconciling.watched import Still, Watched

STILL_AFTER: Final = timedelta(seconds=20)
"""How long something does not move before it is looked at: longer than a step's attempt usually takes."""

RECONCILER: Final = "reconciler"
"""The lease of the process that reconciles."""

_AT_ONCE: Final = 16
_MOST: Final = 500
"""How many open rows of a kind one turn looks at; what has stood still for long is looked at more seldom (`sweeps`)."""

_BETWEEN_FULL_TURNS: Final = timedelta(seconds=1)

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Turn:
    """What one turn has found and done; the lists hold names.

    Attributes:
        looked_at: how much that is open and does not move was compared with Temporal.
        unwound: what had no workflow, and has got one that unwinds it.
        resumed: what had no workflow, and has got one that goes on with it.
        cancelled: what was told again that it is to be cancelled.
        released: what had ended and gave back what it still held.
        failed: with what something went wrong; it is tried again.
        is_last: whether all that is open is through; else the next turn goes on behind it.
    """

    looked_at: int = 0
    unwound: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    is_last: bool = True

    @property
    def has_done_something(self) -> bool:
        """Whether anything was done."""
        return bool(self.unwound or self.resumed or self.cancelled or self.released)


class Reconciler:
    """Reconciles, turn by turn, whenever it is this process that holds the lease.

    Args:
        client: the worker's connection to Temporal.
        database: where leases are.
        watched: what is looked after.
        holder: this process's name among all; never used by another.
        interval: between two turns; a lease lasts for two of them.
        still_after: how long something must not have moved.
        most: how many rows of a kind a turn looks at.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        watched: Sequence[Watched[Any]],
        *,
        holder: str,
        interval: timedelta,
        still_after: timedelta = STILL_AFTER,
        most: int = _MOST,
    ) -> None:
        self._client = client
        self._database = database
        self._watched = watched
        self._holder = holder
        self._interval = interval
        self._still_after = still_after
        self._most = most
        self._temporal: str | None = None
        self._behind: dict[str, int] = {}
        self._sweeps: dict[str, int] = {}
        self._again: dict[str, frozenset[int]] = {}
        self._failed: defaultdict[str, set[int]] = defaultdict(set)
        self._trouble: str | None = None
        self._told: set[str] = set()

    async def run(self) -> None:
        """Take turns until cancelled; what goes wrong is told once, and tried again at every turn."""
        while True:
            turn: Turn | None = None
            try:
                turn = await self.turn()
            except Fault as fault:
                self._tell(fault)
            except Exception:  # noqa: BLE001 -- a worker does not end because of what it does besides
                _LOG.exception("a turn of the reconciler failed; it goes on with the next")
            else:
                self._tell(None)
            goes_on = turn is not None and not turn.is_last
            pause = min(_BETWEEN_FULL_TURNS, self._interval) if goes_on else self._interval
            await asyncio.sleep(pause.total_seconds())

    async def turn(self) -> Turn | None:
        """Take one turn.

        Returns:
            What it came to; None where another process holds the lease.

        Raises:
            OtherTemporal: it is not for the workers of this Temporal to reconcile what this database has.
            TemporalUnavailable: Temporal is away.
            DatabaseUnavailable: the database is.
        """
        temporal = await name_of(self._client)
        if temporal != self._temporal:
            self._forget()
        if not await self._is_ours(temporal):
            return None
        self._temporal = temporal
        turn = Turn()
        # By our clock, and the rows' times by others': where they differ, rows are looked at sooner or later than
        # they should, which does no harm, since Temporal decides.
        now = datetime.now(UTC)
        for watched in self._watched:
            still = await watched.still(
                self._sweep(watched.noun, now), after=self._behind.get(watched.noun, 0), limit=self._most
            )
            is_last = len(still) < self._most
            turn.is_last = turn.is_last and is_last
            await self._compare(watched, still, turn, is_last=is_last)
            turn.released += await watched.tidy()
        if turn.has_done_something:
            _LOG.warning(
                "of %d open %s that did not move %d had no workflow and are unwound, %d go on again, "
                "%d were cancelled again; %d that had ended gave back what they held",
                *(turn.looked_at, self._all, len(turn.unwound), len(turn.resumed), len(turn.cancelled)),
                len(turn.released),
            )
        return turn

    @property
    def _all(self) -> str:
        return " and ".join(f"{watched.noun}s" for watched in self._watched)

    def _sweep(self, noun: str, now: datetime) -> Sweep:
        """Return the sweep over one kind that is under way or next: the first takes everything."""
        return Sweep(
            since=now - self._still_after,
            now=now,
            number=self._sweeps.get(noun),
            interval=self._interval,
            again=self._again.get(noun, frozenset()),
        )

    def _forget(self) -> None:
        """Begin from the start, with everything: what was seen to be well was so for somebody else, or elsewhere."""
        self._temporal = None
        for kept in (self._behind, self._sweeps, self._again, self._failed):
            kept.clear()

    async def _is_ours(self, temporal: str) -> bool:
        """Tell whether it is this process's turn, against this Temporal.

        Raises:
            As `turn`.
        """
        try:
            before, lease = await self._database.write(_claim, temporal, self._holder, 2 * self._interval)
        except OtherTemporal:
            self._forget()
            raise
        if not lease.is_held:
            self._forget()
        if before is not None:
            _LOG.warning(
                "Temporal has lost its state, or is another one than before (it was %s, it is %s): "
                "open %s that it does not know are unwound",
                *(before, temporal, self._all),
            )
        return lease.is_held

    async def _compare(self, watched: Watched[Any], still: Sequence[Still], turn: Turn, *, is_last: bool) -> None:
        """Compare rows with Temporal, several at a time, until they are through or there is no hope for the next.

        The next turn goes on behind those that were taken, whatever became of them: none must bar the others.

        Raises:
            Fault: every one of those who compare has met one.
        """
        taken = iter(still)
        faults = await asyncio.gather(*(self._take(watched, taken, turn) for _ in range(_AT_ONCE)))
        left = next(taken, None)
        if left is not None:
            self._behind[watched.noun] = left.sequence - 1
            raise next(fault for fault in faults if fault is not None)
        self._behind[watched.noun] = 0 if is_last else still[-1].sequence
        if is_last:
            self._sweeps[watched.noun] = self._sweeps.get(watched.noun, -1) + 1
            self._again[watched.noun] = frozenset(self._failed.pop(watched.noun, ()))

    async def _take(self, watched: Watched[Any], still: Iterator[Still], turn: Turn) -> Fault | None:
        """Take rows while there are any; give up at the first fault, and return it."""
        for each in still:
            turn.looked_at += 1
            try:
                mended = await watched.mend(self._client, each)
            except Exception as error:  # noqa: BLE001 -- the others get their turn
                turn.failed.append(each.name)
                if len(self._failed[watched.noun]) < self._most:
                    self._failed[watched.noun].add(each.sequence)
                if each.name not in self._told:
                    self._told.add(each.name)
                    trace = None if isinstance(error, Fault) else error
                    _LOG.warning(
                        "the %s is not reconciled for now: %s",
                        *(watched.noun, error),
                        extra=dict(each.labels),
                        exc_info=trace,
                    )
                if isinstance(error, Fault):
                    return error
            else:
                self._told.discard(each.name)
                if mended == "unwound":
                    turn.unwound.append(each.name)
                elif mended == "resumed":
                    turn.resumed.append(each.name)
                elif mended == "cancelled":
                    turn.cancelled.append(each.name)
        return None

    def _tell(self, fault: Fault | None) -> None:
        """Say what is wrong, or that it is no more; once."""
        trouble = None if fault is None else fault.code
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if fault is None:
            _LOG.info("%s are reconciled again", self._all)
        else:
            level = logging.ERROR if isinstance(fault, OtherTemporal) else logging.WARNING
            _LOG.log(level, "%s are not reconciled for now: %s", self._all, fault.message)


def _claim(connection: Connection, temporal: str, holder: str, lasts: timedelta) -> tuple[str | None, Lease]:
    """Agree with all workers on the one Temporal, then ask for the reconciler's lease; also return the one before."""
    before = agree_on(connection, temporal, lasts)
    return before, hold(connection, RECONCILER, holder, lasts)
