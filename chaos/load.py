"""Orders as they come: most are plain, some fail, are declined or are cancelled, once or twice, while they run."""

import asyncio
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from temporalio.service import RPCError, RPCStatusCode

from chaos.insisting import Insisting
from chaos.points import ALWAYS, FORWARD, PLACEMENTS
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.orders.gateway import PlacedOrder
from flowforge.services.faults import FAIL_AT_OPERATIONS

Kind = Literal["plain", "fails", "declined", "cancelled", "cancelled twice"]

_MIX: Final[dict[Kind, int]] = {"plain": 55, "fails": 15, "declined": 10, "cancelled": 12, "cancelled twice": 8}
_LONGEST: Final = 0.2
_FAULTS: Final = {
    is_longest: [name for name, operation in FAIL_AT_OPERATIONS.items() if operation in steps]
    for is_longest, steps in ((False, ALWAYS), (True, FORWARD))
}
_LOOKS: Final = 7
"""At an order that has been placed, each after twice the time of the one before: some 13 s."""

_ENDS: Final[dict[Kind, frozenset[str]]] = {
    "plain": frozenset({"completed"}),
    "fails": frozenset({"failed"}),
    "declined": frozenset({"failed"}),
    "cancelled": frozenset({"completed", "cancelled"}),
    "cancelled twice": frozenset({"completed", "cancelled"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order before it is placed.

    Attributes:
        is_longest: whether it takes every step there is, or only those that every order takes.
        cancel_after_s: the pauses before each cancellation, in seconds.
    """

    kind: Kind
    placement: Placement
    is_longest: bool = False
    fail_at: str | None = None
    cancel_after_s: tuple[float, ...] = ()

    @classmethod
    def by_chance(cls, chance: random.Random) -> "Wish":
        """Draw one."""
        [kind] = chance.choices(list(_MIX), weights=list(_MIX.values()))
        cancels = {"cancelled": 1, "cancelled twice": 2}.get(kind, 0)
        is_longest = chance.random() < _LONGEST
        return cls(
            kind=kind,
            placement=chance.choice(PLACEMENTS),
            is_longest=is_longest,
            fail_at=chance.choice(_FAULTS[is_longest]) if kind == "fails" else None,
            cancel_after_s=tuple(chance.uniform(0, 0.3) for _ in range(cancels)),
        )

    @property
    def ends(self) -> frozenset[str]:
        """How it may end."""
        return _ENDS[self.kind]


PLAIN: Final = Wish(kind="plain", placement="auto")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order that was accepted, and what was wished of it."""

    wish: Wish
    placed: PlacedOrder


@dataclass(kw_only=True)
class Load(Insisting):
    """Places orders in a world, each with an idempotency key, as often as it takes until one answer says accepted.

    Attributes:
        asked: how many orders it has begun to place.
        accepted: those that were accepted.
    """

    world: World
    asked: int = 0
    accepted: list[Accepted] = field(default_factory=list)

    async def order(self, wish: Wish) -> Accepted:
        """Place an order, cancel it where it is to be cancelled, and return it."""
        self.asked += 1
        key = uuid.uuid4().hex
        place = self.world.place_longest if wish.is_longest else self.world.place
        method = "tok_chargeDeclined" if wish.kind == "declined" else "tok_visa"
        placed: PlacedOrder = await self.until_answered(
            lambda: place(wish.placement, idempotency_key=key, payment_method=method, fail_at=wish.fail_at, quantity=1)
        )
        accepted = Accepted(wish, placed)
        self.accepted.append(accepted)
        for pause_s in wish.cancel_after_s:
            await asyncio.sleep(pause_s)
            await self.until_answered(lambda: self._cancel(placed))
        return accepted

    async def steadily(self, wishes: Iterator[Wish], *, in_flight: int) -> None:
        """Place orders while there are wishes, so many at once: the next one when one has ended, or after a while."""

        async def one_after_the_other() -> None:
            for wish in wishes:
                accepted = await self.order(wish)
                await self._ended(accepted.placed.workflow_id)

        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))

    async def _ended(self, workflow_id: str) -> None:
        """Wait until an order has ended, but not for ever: one that is held up must not hold up the load."""
        pause_s = 0.1
        for _ in range(_LOOKS):
            record = await self.until_answered(lambda: self.world.reads.get(workflow_id))
            if record is not None and record.is_closed:
                return
            await asyncio.sleep(pause_s)
            pause_s *= 2

    async def _cancel(self, placed: PlacedOrder) -> None:
        try:
            await self.world.handle(placed.workflow_id).cancel()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended
                raise
