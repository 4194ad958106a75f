"""Runs of definitions as they come: the bundled sagas, and a booking over HTTP; most are plain, some turn back."""

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, Literal

from temporalio.service import RPCError

from chaos.insisting import Insisting
from chaos.stranger import Stranger
from chaos.world import PRODUCT, World
from flowforge.api.dependencies import EngineServices
from flowforge.cli.engine import Engine, open_engine
from flowforge.engine.gateway import NewRun
from flowforge.errors import Conflict, Fault
from flowforge.settings import Settings

BOOKING: Final = "chaos-booking"
PURCHASE: Final = "chaos-purchase"
"""Of the fulfilment's own services: their steps run inside the workflow task."""

FENCED: Final = {
    "inventory.reserve": "inventory.release",
    "payments.charge": "payments.refund_by_key",
    "warehouse.apply": "warehouse.revert",
}
"""The steps of a purchase, each by its operation, and their undos."""

APPROVALS: Final = {"Reviewer1Approve": "reviewer1", "Reviewer2Approve": "reviewer2", "FinalApproval": "final"}
"""The steps of an approval that wait for somebody, and whom."""

EGRESS: Final = {"EGRESS_ALLOW": "127.0.0.1"}
"""What processes are told, so that their requests get to the stranger."""

Kind = Literal["plain", "fails", "cancelled", "needs an operator", "abandoned", "begun again", "forgotten"]

_MIX: Final[dict[Kind, int]] = {"plain": 60, "fails": 28, "cancelled": 12}
_MIX_OF_BOOKINGS: Final[dict[Kind, int]] = {"plain": 50, "fails": 25, "cancelled": 12, "needs an operator": 13}
_ENDS: Final[dict[Kind, frozenset[str]]] = {
    "plain": frozenset({"completed"}),
    "fails": frozenset({"compensated"}),
    "cancelled": frozenset({"completed", "cancelled"}),
    "needs an operator": frozenset({"compensated"}),
    "abandoned": frozenset({"compensated", "failed"}),
    "begun again": frozenset({"completed"}),
    "forgotten": frozenset({"completed"}),
}
_FAILING_AT: Final = {
    "OrderWorkflow": ("ChargePayment", "ReserveInventory", "CreateShipment", "NotifyUser", "Complete"),
    "TransferWorkflow": ("DebitSource", "CreditDestination", "RecordAuditLog", "SendNotifications"),
    "MigrationWorkflow": ("MigrateToServiceA", "MigrateToServiceB", "MigrateToServiceC", "VerifyMigration"),
    "ApprovalWorkflow": ("Reviewer1Approve", "Reviewer2Approve", "FinalApproval", "PublishDocument"),
}
SAGAS: Final = tuple(_FAILING_AT)
_IN_TURN: Final = 6
"""Of so many runs one is a booking, one a purchase, and the others are bundled sagas."""

_WAIT_S: Final = 13.0
_KEY_LASTS: Final = timedelta(hours=1)
_ADDRESS: Final = {"street": "1 Main St", "city": "Rome", "country": "IT", "postalCode": "00100"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """A run before it is started.

    Attributes:
        cancel_after_s: the pause before it is cancelled, in seconds; None for never.
        approvals: the events by which it is approved; those in its input need none.
        moves: from which account to which, and how much in minor units.
    """

    kind: Kind
    workflow_id: str
    input: dict[str, Any]
    cancel_after_s: float | None = None
    approvals: tuple[str, ...] = ()
    moves: tuple[str, str, int] | None = None

    @classmethod
    def by_chance(
        cls, chance: random.Random, stranger: Stranger, number: int, *, kind: Kind | None = None
    ) -> "RunWish":
        """Draw the one of this number. The kind is drawn, too, unless it is given."""
        workflow_id = {0: BOOKING, 3: PURCHASE}.get(number % _IN_TURN) or chance.choice(SAGAS)
        mix = _MIX_OF_BOOKINGS if workflow_id == BOOKING else _MIX
        if kind is None:
            [kind] = chance.choices(list(mix), weights=list(mix.values()))
        turns = (
            {"_testFailAt": chance.choice(_FAILING_AT[workflow_id])}
            if kind == "fails" and workflow_id in _FAILING_AT
            else {}
        )
        amount = chance.randint(1, 999)
        by_event = workflow_id == "ApprovalWorkflow" and kind == "plain" and chance.random() < 0.5
        moves = (f"from-{number % 7}", f"to-{number % 5}", amount)
        input_ = given(workflow_id, moves)
        if workflow_id == BOOKING:
            input_ = _booked(stranger, kind, amount)
        elif workflow_id == PURCHASE:
            input_ = {"amount": amount, "fails": kind == "fails"}
        if by_event:
            del input_["approvals"]
        return cls(
            kind=kind,
            workflow_id=workflow_id,
            input=input_ | turns,
            cancel_after_s=chance.uniform(0, 1) if kind == "cancelled" else None,
            approvals=tuple(APPROVALS.values()) if by_event else (),
            moves=moves if workflow_id == "TransferWorkflow" else None,
        )

    @property
    def ends(self) -> frozenset[str]:
        """How it may end."""
        return _ENDS[self.kind]


@dataclass(kw_only=True)
class RunLoad(Insisting):
    """Starts runs, each with an idempotency key, as often as it takes until an answer says accepted.

    Attributes:
        asked: how many it has begun to start.
        started: by their names, what was wished of those that were accepted.
        objections: what was wrong with answers.
    """

    engine: EngineServices
    asked: int = 0
    started: dict[str, RunWish] = field(default_factory=dict)
    objections: list[str] = field(default_factory=list)

    async def run(self, wish: RunWish) -> str:
        """Start a run, do to it what is wished, and return its name."""
        self.asked += 1
        new = NewRun(
            workflow_id=wish.workflow_id,
            input=wish.input,
            idempotency_key=uuid.uuid4().hex,
            idempotency_ttl=_KEY_LASTS,
        )
        name: str = (await self.until_answered(lambda: self.engine.runs.start(new))).execution_id
        self.started[name] = wish
        again: str = (await self.until_answered(lambda: self.engine.runs.start(new))).execution_id
        if again != name:
            self.objections.append(f"one key started {name} and {again}")
        if wish.cancel_after_s is not None:
            await asyncio.sleep(wish.cancel_after_s)
            await self._unless_too_late(lambda: self.engine.control.cancel(name, "by chance"))
        await self.approve(name, wish)
        return name

    async def approve(self, name: str, wish: RunWish) -> None:
        """Send a run the events by which it is approved."""
        for event in wish.approvals:
            await self._unless_too_late(partial(self.engine.control.signal, name, event, {"approved": True}))

    async def steadily(self, wishes: Iterator[RunWish], *, in_flight: int) -> None:
        """Start runs while there are wishes, so many at once: the next one when one has ended, or after a while."""

        async def one_after_the_other() -> None:
            for wish in wishes:
                name = await self.run(wish)
                with contextlib.suppress(Fault, RPCError):
                    await self.engine.runs.wait(name, _WAIT_S)

        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))

    async def insist_on_undo(self, name: str, step: str) -> None:
        """Have a run's undo tried again that waits for it."""
        await self._unless_too_late(lambda: self.engine.control.retry_compensation(name, step))

    async def _unless_too_late(self, ask: Callable[[], Awaitable[Any]]) -> None:
        with contextlib.suppress(Conflict):
            await self.until_answered(ask)


def given(saga: str, moves: tuple[str, str, int]) -> dict[str, Any]:
    """Return what a bundled saga is given, as its users would; a transfer makes these moves, an order costs as much."""
    source, destination, amount = moves
    match saga:
        case "OrderWorkflow":
            items = [{"sku": "S", "quantity": 1, "price": amount / 100}]
            return {"orderId": f"ORD-{uuid.uuid4().hex}", "items": items, "shippingAddress": _ADDRESS}
        case "TransferWorkflow":
            return {"fromAccount": source, "toAccount": destination, "amount": amount / 100}
        case "MigrationWorkflow":
            return {"dataset": f"data of {source}"}
        case _:
            return {"documentId": f"doc of {source}", "approvals": dict.fromkeys(APPROVALS.values(), True)}


def _booked(stranger: Stranger, kind: Kind, amount: int) -> dict[str, Any]:
    return {
        "url": stranger.url,
        "amount": amount,
        "fails": kind in {"fails", "needs an operator"},
        "isDifficult": kind == "needs an operator",
    }


@contextlib.asynccontextmanager
async def open_runs(world: World, stranger: Stranger) -> AsyncIterator[tuple[Engine, RunLoad]]:
    """Publish what is run in a world, and open its door."""
    settings = Settings(
        database_url=world.environment["DATABASE_URL"],
        task_queue=world.task_queue,
        egress_allow=EGRESS["EGRESS_ALLOW"],
    )
    async with open_engine(settings, world.database, world.services) as engine:
        await engine.publish_bundled()
        await engine.definitions.publish(json.dumps(_booking(stranger)))
        await engine.definitions.publish(json.dumps(_purchase()))
        yield engine, RunLoad(engine=engine.services(world.client))


def _booking(stranger: Stranger) -> dict[str, Any]:
    def step(name: str, *after: str) -> dict[str, Any]:
        undo = {"key": "${undo.key}", "isDifficult": "${isDifficult}" if name == DIFFICULT else False}
        return {
            "id": name,
            "action": "http.request",
            "dependsOn": list(after),
            "params": {"url": f"${{url}}/{name}", "method": "POST", "body": {"amount": "${amount}"}},
            "compensation": {
                "action": "http.request",
                "params": {"url": "${url}/undo", "method": "POST", "body": undo},
            },
        }

    return {
        "id": BOOKING,
        "steps": [step("flight"), step(DIFFICULT), step("pay", "flight", DIFFICULT), _failing_after("pay")],
        "webhooks": {"onComplete": f"{stranger.url}/hook", "onFailure": f"{stranger.url}/hook"},
    }


def _purchase() -> dict[str, Any]:
    goods = {"productId": PRODUCT, "quantity": 1}
    money = {"amountMinor": "${amount}", "currency": "EUR", "paymentMethod": "tok_visa"}
    given_to = {"inventory.reserve": goods, "payments.charge": money, "warehouse.apply": goods}
    steps: list[dict[str, Any]] = [{"id": "quote", "action": "inventory.quote", "params": goods}]
    for operation, undo in FENCED.items():
        steps.append(
            {
                "id": operation.replace(".", "-"),
                "action": operation,
                "dependsOn": [steps[-1]["id"]],
                "params": given_to[operation],
                "compensation": {"action": undo},
            }
        )
    return {"id": PURCHASE, "steps": [*steps, _failing_after(steps[-1]["id"])]}


def _failing_after(step: str) -> dict[str, Any]:
    return {"id": "last", "action": "fail", "dependsOn": [step], "condition": "fails", "params": {"message": "no"}}


DIFFICULT: Final = "hotel"
"""The step of a booking that the stranger may refuse to undo."""

PAID: Final = 3
"""How many steps of a booking take the amount."""
