"""Payments, and the stock with its warehouse, against models of ten lines: any deliveries, in any order, any number."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.errors import Conflict, DatabaseUnavailable, EffectFenced, IdempotencyKeyReused, Refusal
from flowforge.persistence.database import Database
from flowforge.services.payments.contracts import CapturePayment, RefundPart, RefundRest
from tests.contract.worlds import World, authorise, forward, memory_world, reservation, shipping, sql_world, undo
from tests.postgres import PostgresServer

DELIVERIES = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=11),
        st.integers(min_value=1, max_value=6),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=10,
    max_size=30,
)
Delivery = tuple[int, int, bool]
"""What is asked for, a number that says more of it, and whether the journal fails the first time."""

_UNITS = 5
_TOTAL_MINOR = 3998


class Model:
    """What each operation came to: `applied`, `undone` (`reversed` holds those with an effect) or `refused`.

    Attributes:
        actions: twelve, those that lead on more than once: an undo that comes first leaves nothing to happen.
    """

    actions: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.done: dict[str, str] = {}
        self.reversed: set[str] = set()

    def expect(self, action: str, number: int) -> str:
        """Return what a delivery must be answered with."""
        answer: str = getattr(self, action)(number)
        return answer

    def undo(self, operation: str) -> tuple[bool, str]:
        """Return whether there is an effect to be reversed now, and the answer."""
        before = self.done.get(operation)
        if before != "refused":
            self.done[operation] = "undone"
        if before == "applied":
            self.reversed.add(operation)
        return before == "applied", "undone" if operation in self.reversed else "not_needed"


class Money(Model):
    """One charge that is authorised first: how far it is, what was taken, and what of that was given back."""

    actions = (*("charge", "capture") * 2, *("part",) * 5, "undo_charge", "undo_capture", "rest")

    def __init__(self) -> None:
        super().__init__()
        self.phase, self.taken, self.given, self.keys = "none", 0, 0, dict[int, int]()

    def charge(self, _number: int) -> str:
        if self.done.setdefault("charge", "applied") == "applied" and self.phase == "none":
            self.phase = "authorised"
        return self.done["charge"]

    def capture(self, _number: int) -> str:
        if self.phase == "none":
            return "nothing"
        if "capture" not in self.done and self.phase == "authorised":
            self.done["capture"], self.phase, self.taken = "applied", "captured", _TOTAL_MINOR
        return self.done.get("capture", "undone")

    def part(self, number: int) -> str:
        key, amount = number % 3, 1000 * number
        if self.phase == "none":
            return "nothing"
        if key in self.keys:
            return "applied" if self.keys[key] == amount else "reused"
        if amount > self.taken - self.given:
            return "too much"
        self.keys[key] = amount
        self.given += amount
        return "applied"

    def undo_charge(self, _number: int) -> str:
        return self._undo("charge")

    def undo_capture(self, _number: int) -> str:
        return self._undo("capture")

    def rest(self, _number: int) -> str:
        if self.phase == "none":
            return "nothing"
        if self.done.setdefault("rest", "now") == "now":
            self.done["rest"] = "applied"
            self._give_back()
        return "applied"

    def _undo(self, operation: str) -> str:
        has_effect, answer = self.undo(operation)
        if has_effect:
            self._give_back()
        return answer

    def _give_back(self) -> None:
        self.given = self.taken
        if self.phase == "authorised":
            self.phase = "voided"

    @property
    def state(self) -> list[tuple[str, int, int]]:
        phase = "refunded" if self.taken and self.given == self.taken else self.phase
        return [] if phase == "none" else [(phase, self.taken, self.given)]

    @staticmethod
    async def seen(world: World) -> list[tuple[str, int, int]]:
        seen: list[tuple[str, int, int]] = []
        for each in await world.payments.payments():
            refunds = await world.payments.refunds(each.charge_id)
            assert sum(refund.amount_minor for refund in refunds) == each.refunded_minor <= each.captured_minor
            seen.append((each.phase, each.captured_minor, each.refunded_minor))
        return seen

    @staticmethod
    async def ask(world: World, action: str, number: int) -> Any:
        if action == "charge":
            return await authorise(world)
        if action in {"undo_charge", "undo_capture"}:
            take_back = world.payments.refund_by_key if action == "undo_charge" else world.payments.refund_capture
            return await take_back(undo(action.removeprefix("undo_")))
        for payment in await world.payments.payments():
            return await Money._ask_of(world, payment.charge_id, action, number)
        return None

    @staticmethod
    async def _ask_of(world: World, charge_id: str, action: str, number: int) -> Any:
        if action == "capture":
            return await world.payments.capture(CapturePayment(call=forward("capture"), charge_id=charge_id))
        if action == "rest":
            return await world.payments.refund_rest(RefundRest(call=forward("rest"), charge_id=charge_id))
        key = f"key {number % 3}"
        return await world.payments.refund(
            RefundPart(charge_id=charge_id, idempotency_key=key, amount_minor=1000 * number, reason="scratched")
        )


class Stock(Model):
    """Units of two orders, each on the shelf, reserved or shipped; there are too few for both."""

    actions = (*("reserve", "ship") * 4, *("release", "revert") * 2)

    def __init__(self) -> None:
        super().__init__()
        self.where = {0: "shelf", 1: "shelf"}

    def reserve(self, number: int) -> str:
        order, name = number % 2, f"reserve {number % 2}"
        if name not in self.done:
            self.done[name] = "applied" if _wanted(order) <= self.state[1] else "refused"
            if self.done[name] == "applied":
                self.where[order] = "reserved"
        return self.done[name]

    def ship(self, number: int) -> str:
        order, name = number % 2, f"ship {number % 2}"
        if name not in self.done and self.where[order] == "reserved":
            self.done[name], self.where[order] = "applied", "shipped"
        return self.done.get(name, "undone")

    def release(self, number: int) -> str:
        has_effect, answer = self.undo(f"reserve {number % 2}")
        if has_effect and self.where[number % 2] == "reserved":
            self.where[number % 2] = "shelf"
        return answer

    def revert(self, number: int) -> str:
        has_effect, answer = self.undo(f"ship {number % 2}")
        if has_effect:
            is_released = self.done[f"reserve {number % 2}"] == "undone"
            self.where[number % 2] = "shelf" if is_released else "reserved"
        return answer

    @property
    def state(self) -> tuple[int, int, int, int]:
        reserved, shipped = (
            sum(_wanted(order) for order, where in self.where.items() if where == place)
            for place in ("reserved", "shipped")
        )
        return _UNITS - shipped, _UNITS - shipped - reserved, reserved, shipped

    @staticmethod
    async def seen(world: World) -> tuple[int, int, int, int]:
        return await world.stock()

    @staticmethod
    async def ask(world: World, action: str, number: int) -> Any:
        order, units = f"ord_{number % 2}", _wanted(number % 2)
        match action:
            case "reserve":
                return await world.inventory.reserve(reservation(units, order))
            case "ship":
                return await world.warehouse.apply(shipping(units, order))
            case "release":
                return await world.inventory.release(undo("reserve", order))
        return await world.warehouse.revert(undo("ship", order))


def _wanted(order: int) -> int:
    return (2, 4)[order]


async def _tell(asked: Awaitable[Any]) -> str:
    try:
        answer = await asked
    except Refusal:
        return "refused"
    except EffectFenced:
        return "undone"
    except IdempotencyKeyReused:
        return "reused"
    except Conflict:
        return "too much"
    return "nothing" if answer is None else str(getattr(answer, "status", "applied"))


async def _follow(world: World, kind: type[Money | Stock], deliveries: list[Delivery]) -> None:
    await world.stocked(_UNITS)
    model = kind()
    for chosen, number, is_broken in deliveries:
        action = model.actions[chosen]
        if is_broken and action != "part":  # a client's refund is no step of the saga: nothing of it is in the journal
            world.journal.broken_by = DatabaseUnavailable("away")
            with contextlib.suppress(DatabaseUnavailable):
                await _tell(model.ask(world, action, number))
            world.journal.broken_by = None
            assert await model.seen(world) == model.state
        expected = model.expect(action, number)
        assert await _tell(model.ask(world, action, number)) == expected, action
        assert await model.seen(world) == model.state, action


@pytest.mark.parametrize("kind", [Money, Stock])
@settings(max_examples=200, deadline=None)
@given(deliveries=DELIVERIES)
def test_services_in_memory_do_what_the_model_does(kind: type[Money | Stock], deliveries: list[Delivery]) -> None:
    asyncio.run(_follow(memory_world(), kind, deliveries))


@pytest.mark.parametrize("kind", [Money, Stock])
@settings(max_examples=40, deadline=None)
@given(deliveries=DELIVERIES)
def test_services_on_sqlite_do_what_the_model_does(
    migrated_file: Path, kind: type[Money | Stock], deliveries: list[Delivery]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = shutil.copy(migrated_file, Path(folder, "model.sqlite3"))
        asyncio.run(_follow_on(f"sqlite:///{file}", kind, deliveries))


@pytest.mark.parametrize("kind", [Money, Stock])
@settings(max_examples=40, deadline=None)
@given(deliveries=DELIVERIES)
def test_services_on_postgres_do_what_the_model_does(
    postgres: PostgresServer, kind: type[Money | Stock], deliveries: list[Delivery]
) -> None:
    with postgres.database(template="migrated") as url:
        asyncio.run(_follow_on(url, kind, deliveries))


async def _follow_on(url: str, kind: type[Money | Stock], deliveries: list[Delivery]) -> None:
    database = Database(url)
    await _follow(sql_world(database), kind, deliveries)
    await database.close()
