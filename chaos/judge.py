"""What is asked after every scenario, of the database, of Temporal and of every order."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from chaos.load import PLAIN, Accepted, Load
from chaos.replays import replay
from chaos.world import World
from flowforge.orders.audit import audit
from flowforge.orders.records import CLOSED
from flowforge.persistence.auditing import Finding
from flowforge.persistence.tables.orders import ORDERS

DRAINED_WITHIN_S: Final = 60.0
LAST: Final = 20
"""So many requests are made when all is over, and every one of them must be fine."""

_REPLAYED: Final = 20
_AT_ONCE: Final = 16
_RUN_ENDS: Final = {
    WorkflowExecutionStatus.COMPLETED: "completed",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
}


@dataclass(kw_only=True)
class Verdict:
    """What was done and what came of it.

    Attributes:
        done: what was done, how often.
        ends: how orders ended, how many.
        drained_s: the longest time from a heal until every order was at its end.
        violations: everything that is not as it should be, in words.
        counted: other things that were counted, by name.
        hits: how often each fault point was reached by a fault.
    """

    name: str
    done: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    drained_s: float = 0.0
    took_s: float = 0.0
    violations: list[str] = field(default_factory=list)
    counted: dict[str, int | str] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)

    @property
    def orders(self) -> int:
        """How many orders went through it."""
        return self.ends.total()

    def told(self) -> str:
        """Tell in a line what was done and how orders ended."""
        return ", ".join(f"{count} {what}" for what, count in [*self.done.items(), *self.ends.items()])

    def must_have_completed(self, least: float = 0.3) -> None:
        """Object where too few orders completed: a run in which nothing happens proves nothing.

        One that was returned had completed before.
        """
        completed = self.ends["completed"] + self.ends["returned"]
        if completed < least * self.orders:
            self.violations.append(f"only {completed} of {self.orders} orders completed")

    def must_have_hit(self, least: int) -> None:
        """Object where a fault point was hit less often."""
        self.violations += [f"{point} was hit only {hits} times" for point, hits in self.hits.items() if hits < least]


class Judge:
    """Judges one world, once its faults are healed."""

    def __init__(self, world: World, verdict: Verdict, *, within_s: float = DRAINED_WITHIN_S) -> None:
        self._world = world
        self._verdict = verdict
        self._within_s = within_s

    async def examine(self, load: Load, *, chance: random.Random) -> None:
        """Wait until every order has ended, then look at all of them; then at new ones."""
        await self.drain([each.placed.order_id for each in load.accepted])
        await self.compare(load.accepted)
        await self.last_requests(load)
        await self.audit()
        await self.replay(chance.sample(load.accepted, min(_REPLAYED, len(load.accepted))))

    async def drain(self, order_ids: Sequence[str]) -> None:
        """Wait until these have ended; object where that takes too long."""
        begun = time.monotonic()
        missing = await self._missing(order_ids)
        while missing and time.monotonic() - begun < self._within_s:
            await asyncio.sleep(0.25)
            missing = await self._missing(order_ids)
        self._verdict.drained_s = max(self._verdict.drained_s, time.monotonic() - begun)
        if missing:
            examples = ", ".join(f"{name} ({status})" for name, status in missing[:5])
            self._object(f"{len(missing)} orders did not end within {self._within_s:g} s of the heal: {examples}")

    async def compare(self, accepted: Sequence[Accepted]) -> None:
        """Compare each order's row with what was wished and with what Temporal says."""
        rows: dict[str, str] = await self._world.database.read(_statuses)
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(each: Accepted) -> None:
            status = rows.get(each.placed.order_id, "lost")
            self._verdict.ends[status] += 1
            if status not in each.wish.ends:
                self._object(f"{each.placed.order_id}, which was {each.wish.kind}, is {status}")
            async with places:
                run = await run_end(self._world, each.placed.workflow_id)
            if run != status:
                self._object(f"{each.placed.order_id} is {status}, its run {run}")

        await asyncio.gather(*map(look, accepted))

    async def last_requests(self, load: Load) -> None:
        """Place some orders more; each must complete."""
        last = await asyncio.gather(*(load.order(PLAIN) for _ in range(LAST)))
        await self.drain([each.placed.order_id for each in last])
        await self.compare(last)

    async def audit(self) -> None:
        """Ask every question of the audit."""
        for objection in objections_of(await self._world.database.read(audit)):
            self._object(objection)

    async def replay(self, accepted: Sequence[Accepted]) -> None:
        """Replay histories with this code."""
        for each in accepted:
            try:
                replayed = await replay(self._world, each.placed.workflow_id)
                self._verdict.done["histories replayed"] += replayed  # not in one: other worlds add to it meanwhile
            except AssertionError as failure:
                self._object(str(failure))

    async def _missing(self, order_ids: Sequence[str]) -> list[tuple[str, str]]:
        rows: dict[str, str] = await self._world.database.read(_statuses)
        found = ((order_id, rows.get(order_id, "without a row")) for order_id in order_ids)
        return [(order_id, status) for order_id, status in found if status not in CLOSED]

    def _object(self, what: str) -> None:
        self._verdict.violations.append(what)


async def run_end(world: World, workflow_id: str) -> str:
    """Return how a run ended at Temporal, in the words of the rows; it ends a moment after its row."""
    for _ in range(50):
        try:
            run = await world.client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            return str(error.status.name).lower()
        if run.status is not WorkflowExecutionStatus.RUNNING:
            return _RUN_ENDS.get(run.status, "unknown") if run.status is not None else "unknown"
        await asyncio.sleep(0.2)
    return "running"


def objections_of(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield what an audit has found that must not be, in words."""
    for finding in findings:
        if finding.is_violation:
            examples = ", ".join(finding.examples[:3])
            yield f"audit, {finding.check.area}: {finding.check.name}: {finding.count} ({examples})"


def _statuses(connection: Connection) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(select(ORDERS.c.order_id, ORDERS.c.status))}
