"""One point at which workers die or freeze, again and again: each time another worker ends the order, whole."""

import asyncio
import signal
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chaos.expectations import ends, marks
from chaos.insisting import Insisting
from chaos.nursery import Child
from chaos.operator import Operator
from chaos.points import LAST, UNDO_NAMES, UNDOS, Point, Route
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.orders.audit import audit
from flowforge.orders.gateway import PlacedOrder

_IN_TURN: Final = 3
"""Of so many kills in a row, where the point allows it, the second meets an order that was cancelled before it began,
and the third is followed by a cancellation before another worker is there."""

_WITHIN_S: Final = {"kill": 120.0, "stop": 300.0}
"""Temporal hands a task to every poll that a frozen worker has left open, and each of them has to time out."""

_FROZEN_S: Final = 5.0
"""Longer than any attempt of these orders may take."""

_GRACE_S: Final = 3.0
_STUCK: Final = UNDOS[0]
_IN_BOTH_WAYS: Final = frozenset({*UNDOS, "orders.close.compensating"})


@dataclass(kw_only=True)
class Drill:
    """Kills workers of a world at one point, or stops them there and lets them go on when all is over.

    Attributes:
        how: what happens to the workers.
        hits: the kills so far.
        cancelled: how many of them were followed by a cancellation.
        unanswered: how often what an operator asked was not answered within 30 s, and asked again.
        ends: how the orders ended.
        placed: the workflow ids of the orders, in their order.
    """

    world: World
    point: Point
    placement: Placement
    how: Literal["kill", "stop"] = "kill"
    hits: int = 0
    cancelled: int = 0
    unanswered: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    placed: list[str] = field(default_factory=list)

    async def run(self, times: int) -> None:
        """Do it so many times.

        Raises:
            AssertionError: an order did not end as it must; the message says which and how.
            TimeoutError: it did not end in time.
        """
        worker: Child | None = None
        for number in range(times):
            route = self._route(number)
            is_cancelled = route in {"goes forward", "fails"} and number % _IN_TURN == _IN_TURN - 1
            # The heir that ends this order reaches the point doing so; for the next order it is the second time.
            goes_on = self.how == "kill" and not is_cancelled and route in {"goes forward", "fails"}
            goes_on = goes_on and route == self._route(number + 1)
            fault = self._fault(2) if goes_on and number + 1 < times else ""
            async with asyncio.timeout(_WITHIN_S[self.how]):
                heir = await self._once(worker, route, is_cancelled=is_cancelled, heirs_fault=fault)
                worker = heir if fault and not heir.exited.done() else None
                if worker is None:
                    await self.world.end_children()

    def _route(self, number: int) -> Route:
        if self.point.operation in _IN_BOTH_WAYS and number % _IN_TURN == 1:
            return "never begins"
        return self.point.route

    def _fault(self, time: int) -> str:
        fault = f"{self.how}:{self.point}:{time}"
        return f"{self._refusal},{fault}" if self._refusal else fault

    @property
    def _refusal(self) -> str:
        """The undo that refuses on the way to this point."""
        match self.point.route:
            case "needs attention":
                return f"refuse:{_STUCK}:before"
            case "is given up":
                return f"refuse:{self.point.operation.removesuffix('.write_off')}.undo:before"
            case _:
                return ""

    async def _once(self, worker: Child | None, route: Route, *, is_cancelled: bool, heirs_fault: str) -> Child:
        placed, victim, operator = await self._hit(worker, route)
        if self.point.moment == "inside":
            # One that is frozen there holds the database's lock: nobody can end the order before it goes on.
            asyncio.get_running_loop().call_later(_FROZEN_S, victim.send, signal.SIGCONT)
        if is_cancelled:
            await self.world.handle(placed.workflow_id).cancel()
            self.cancelled += 1
        if route == "needs attention":
            await self._until_attention_is_needed(placed)
            if self.how == "stop":
                await _end_zombie(victim)  # it is one that refuses
            operator.retry(UNDO_NAMES[_STUCK])
        elif route == "is held":
            operator.resume()
        heir = await self.world.worker(self._refusal if route == "is given up" else heirs_fault)
        try:
            await self._see_the_end(placed, route, is_cancelled=is_cancelled, heir=heir)
            if self.how == "stop":
                await self._wake(victim, placed)
        finally:
            await operator.leave()
            self.unanswered += operator.unanswered
        return heir

    async def _hit(self, worker: Child | None, route: Route) -> tuple[PlacedOrder, Child, Operator]:
        """Place an order; return it, its worker when that has died of it or is frozen, and who asks things of it."""
        if worker is None and route not in {"never begins", "is held", "is returned"}:
            worker = await self.world.worker(self._fault(1))
        fails = route in {"fails", "needs attention", "is given up"}
        key, fail_at = uuid.uuid4().hex, LAST if fails else None
        placed: PlacedOrder = await Insisting().until_answered(
            lambda: self.world.place_longest(self.placement, idempotency_key=key, fail_at=fail_at)
        )
        self.placed.append(placed.workflow_id)
        operator = Operator(self.world, placed)
        if worker is None:
            worker = await self._prepare(placed, operator, route)
        elif route == "is given up":
            operator.write_off(UNDO_NAMES[f"{self.point.operation.removesuffix('.write_off')}.undo"])
        await self._until_hit(worker, placed, route)
        self.hits += 1
        return placed, worker, operator

    async def _prepare(self, placed: PlacedOrder, operator: Operator, route: Route) -> Child:
        """Do to an order what has to be done before the worker comes that meets the point."""
        if route == "never begins":
            await self.world.handle(placed.workflow_id).cancel()
        elif route == "is held":
            operator.pause()
            if self.point.operation == "orders.close.running":
                operator.resume()
        else:
            first = await self.world.worker()
            await self.world.handle(placed.workflow_id).result()
            await first.end()
            operator.take_back()
        return await self.world.worker(self._fault(1))

    async def _until_hit(self, worker: Child, placed: PlacedOrder, route: Route) -> None:
        hit = asyncio.create_task(worker.stopped.wait())
        whichever: set[asyncio.Future[Any]] = {hit, worker.exited}
        ending = asyncio.create_task(self._end(placed, route))
        await asyncio.wait({*whichever, ending}, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            # What is committed can be seen before its worker dies of it.
            await asyncio.wait(whichever, return_when=asyncio.FIRST_COMPLETED, timeout=_GRACE_S)
        for task in (hit, ending):
            task.cancel()
        await asyncio.gather(hit, ending, return_exceptions=True)
        if not (worker.was_killed or worker.stopped.is_set()):
            code = worker.exited.result() if worker.exited.done() else "none"
            raise AssertionError(f"{placed.order_id} did not meet it: code {code}, {worker.log.read_text()[-500:]}")

    async def _end(self, placed: PlacedOrder, route: Route) -> None:
        """Wait for the end of an order, which for one that is taken back comes after the end of its run."""
        if route != "is returned":
            await self.world.handle(placed.workflow_id).result()
            return
        status = None
        while status != "returned":
            await asyncio.sleep(0.1)
            record = await self.world.reads.get(placed.order_id)
            status = None if record is None else record.status

    async def _wake(self, zombie: Child, placed: PlacedOrder) -> None:
        """Let a frozen worker go on, and have it end by itself; see that nothing came of it."""
        before = await self.world.reads.get(placed.order_id)
        await _end_zombie(zombie)
        if await self.world.reads.get(placed.order_id) != before:
            raise AssertionError(f"{placed.order_id} was changed by a zombie after its end")
        await self._audit(placed.order_id)

    async def _until_attention_is_needed(self, placed: PlacedOrder) -> None:
        """See that the order waits for an operator, with all else undone, and take the refusing worker away."""
        refusing = await self.world.worker(self._refusal)
        while True:
            record = await self.world.reads.get(placed.order_id)
            if record is not None and record.status == "needs_attention":
                break
            await asyncio.sleep(0.05)
        settled = {each.name for each in record.compensations if each.status in {"completed", "not_needed"}}
        if settled != set(UNDO_NAMES.values()) - {UNDO_NAMES[_STUCK]}:
            raise AssertionError(f"{placed.order_id} waits with {record.compensations}")
        await refusing.end()

    async def _see_the_end(self, placed: PlacedOrder, route: Route, *, is_cancelled: bool, heir: Child) -> None:
        ending = asyncio.create_task(self._end(placed, route))
        whichever: set[asyncio.Future[Any]] = {ending, heir.exited}
        await asyncio.wait(whichever, return_when=asyncio.FIRST_COMPLETED)
        if heir.exited.done() and not ending.done():
            # On a busy machine a step may be delivered twice: then the heir died of this very order.
            self.hits += 1
            await self.world.worker()
        await asyncio.gather(ending, return_exceptions=True)
        record = await self.world.reads.get(placed.order_id)
        status = "without a row" if record is None else record.status
        told = f"{placed.order_id}, which {route}{' and is cancelled' * is_cancelled}, is {status}"
        self.ends[status] += 1
        is_frozen = self.how == "stop"
        if status not in ends(self.point, route, is_cancelled=is_cancelled, is_frozen=is_frozen):
            raise AssertionError(told)
        ledger = await self.world.ledger(placed.order_id)
        placement: Placement | None = None if is_frozen else self.placement
        expected = marks(self.point, route, status, is_cancelled=is_cancelled, placement=placement)
        for operation, allowed in expected.items():
            if ledger.get(operation) not in allowed:
                raise AssertionError(f"{told}; {operation} should be {allowed}: {ledger}")
        await self._audit(told)

    async def _audit(self, told: str) -> None:
        wrong = [found.check.name for found in await self.world.database.read(audit) if found.is_violation]
        if wrong:
            raise AssertionError(f"{told}; the audit finds that it is not so that {wrong}")


async def _end_zombie(zombie: Child) -> None:
    zombie.send(signal.SIGCONT)
    code = await zombie.end(signal.SIGTERM)
    if code != 0:
        raise AssertionError(f"the zombie ended with {code}: {zombie.log.read_text()[-500:]}")
