"""The examples on a real Temporal, with every action as it is, against a small HTTP service that honours keys.

The service loses its first answer to every key, so that each effect is asked for twice: it comes about once.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import Client

from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.saving import SaveRun
from flowforge.engine.store.records import RunRecord
from flowforge.orders.journal import OrderJournal
from flowforge.persistence.database import Database
from flowforge.services.wiring import Services, build_services
from tests.unit.engine.actions.site import serving
from tests.workflow.engine.shopkeeper import Shopkeeper
from tests.workflow.engine.stage import Stage, open_stage

_EXAMPLES = Path(__file__).parents[3] / "examples"
_OVER_HTTP = sorted(
    file.stem for file in _EXAMPLES.glob("*.yaml") if "test" not in file.suffixes[0] and file.stem != "order"
)
_SOON = ("3d", "50ms")
"""Three days are waited for in virtual time only."""

Signals = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, kw_only=True)
class Showing:
    """An example as it is run once.

    Attributes:
        example: which.
        refusing: what the service refuses, by the end of the path.
        reads: what it answers, besides what it always does.
        signals: the decisions that are sent, each when it is waited for.
        status: what the run ends as.
        done: what was done at the service, in whatever order; of a run that was made whole all of it undone.
    """

    example: str
    refusing: dict[str, int] = field(default_factory=dict)
    reads: dict[str, Any] = field(default_factory=dict)
    signals: Signals = ()
    status: str = "completed"
    done: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.example} {self.status}"


_FIRST_YES: Signals = (("first-review", True),)
_WELL = (
    Showing(
        example="approval",
        signals=(*_FIRST_YES, ("second-review", True)),
        done=("POST /documents", "POST /approvals", "PUT /published/o1"),
    ),
    Showing(example="cicd-pipeline", done=("PUT /staging", "PUT /production")),
    Showing(example="etl-pipeline", done=("POST /loads",)),
    Showing(example="fraud-check", done=("PUT /approvals/o1",)),
    Showing(example="fraud-check", reads={"risk": 0.7}, done=("PUT /reviews/o1",)),
    Showing(example="greeting"),
    Showing(example="migration", done=("POST /a/data", "POST /b/data")),
    Showing(example="onboarding"),
    Showing(example="order-flow", done=("POST /reservations", "POST /charges", "POST /shipments")),
    Showing(example="order-processing", done=("POST /charges", "POST /shipments")),
    Showing(example="process-order", done=("POST /charges",)),
    Showing(example="process-order", refusing={"/orders/o1": 404}),
    Showing(example="resilient", done=("POST /bookings",)),
    Showing(example="transfer", done=("POST /debits", "POST /credits")),
)
_FAILING = (
    Showing(
        example="approval",
        signals=(*_FIRST_YES, ("second-review", False)),
        done=("POST /documents", "POST /approvals"),
    ),
    Showing(example="cicd-pipeline", refusing={"/integration-tests/o1": 422}, done=("PUT /staging",)),
    Showing(example="cicd-pipeline", refusing={"/production": 409}, done=("PUT /staging",)),
    Showing(example="etl-pipeline", refusing={"/loads": 409}),
    Showing(example="migration", refusing={"/check": 409}, done=("POST /a/data", "POST /b/data")),
    Showing(example="order-flow", refusing={"/shipments": 422}, done=("POST /reservations", "POST /charges")),
    Showing(example="order-processing", refusing={"/shipments": 422}, done=("POST /charges",)),
    Showing(example="resilient", refusing={"/bookings": 409}),
    Showing(example="transfer", refusing={"/credits": 409}, done=("POST /debits",)),
)


@dataclass(frozen=True, kw_only=True)
class Play:
    """Where examples are run."""

    stage: Stage
    services: Services
    keeper: Shopkeeper
    url: str

    async def run(self, showing: Showing) -> RunRecord:
        """Run an example, every service of which is this one."""
        body = yaml.safe_load((_EXAMPLES / f"{showing.example}.yaml").read_text().replace(*_SOON))
        names = ("bank", "ci", "mail", "partner", "anotherPartner", "registry", "risk", "services", "shop", "source")
        given = {
            **dict.fromkeys((*names, "target"), self.url),
            "orderId": "o1",
            "commit": "o1",
            "document": "o1",
            "city": "o1",
            "from": "a",
            "to": "b",
            "amount": 100,
            "email": "ann@example.com",
            "user": {"name": "Ann"},
        }
        execution_id = await self.stage.begin(body, input=given)
        for event, approved in showing.signals:
            await self.stage.rows.until(_waiting_for(event))
            await self.stage.control.signal(execution_id, event, {"approved": approved})
        return await self.stage.end(execution_id)


def _waiting_for(event: str) -> Callable[[SaveRun], bool]:
    return lambda save: any(each.event == event for each in save.waiting)


@asynccontextmanager
async def _open(client: Client, url: str) -> AsyncIterator[Play]:
    database = Database(url)
    services = build_services(database, OrderJournal(database))
    options = OfferOptions(egress_allow="127.0.0.1")
    async with serving() as site, open_offer(options, services=services, database=database) as offer:
        keeper = Shopkeeper()
        site.answer = keeper.answer
        act = offer.activities.act
        async with open_stage(client, url, act=act, effects=offer.registry) as stage:
            yield Play(stage=stage, services=services, keeper=keeper, url=site.url)
    await database.close()


@pytest.fixture
async def play(client: Client, sqlite_url: str) -> AsyncIterator[Play]:
    """A stage with every action, and the service."""
    async with _open(client, sqlite_url) as play:
        yield play


def test_every_example_is_run() -> None:
    assert {showing.example for showing in _WELL} == set(_OVER_HTTP)


@pytest.mark.parametrize("showing", _WELL, ids=str)
async def test_example_runs_well_and_does_everything_once(play: Play, showing: Showing) -> None:
    play.keeper.refusing, play.keeper.reads = showing.refusing, showing.reads
    record = await play.run(showing)
    assert record.status == "completed", record.failure
    assert sorted(play.keeper.done.values()) == sorted(showing.done)
    assert play.keeper.undone == []
    assert set(play.keeper.deliveries.values()) <= {2}


@pytest.mark.parametrize("showing", _FAILING, ids=str)
async def test_example_that_fails_leaves_nothing_at_the_service(play: Play, showing: Showing) -> None:
    play.keeper.refusing, play.keeper.reads = showing.refusing, showing.reads
    record = await play.run(showing)
    assert record.status == ("compensated" if record.undos else "failed")
    assert sorted(play.keeper.done.values()) == sorted(showing.done)
    assert sorted(play.keeper.undone) == sorted(showing.done)
    assert play.keeper.standing == []


async def test_onboarding_welcomes_and_gives_tips_once_each(play: Play) -> None:
    await play.run(Showing(example="onboarding"))
    assert len(play.keeper.told) == 2


@pytest.mark.parametrize(
    ("card", "status", "reserved"), [("tok_visa", "completed", 2), ("tok_chargeDeclined", "compensated", 0)]
)
async def test_order_over_the_services_completes_or_gives_everything_back(
    play: Play, card: str, status: str, reserved: int
) -> None:
    given = {"productId": "SKU-001", "quantity": 2, "amountMinor": 3998, "currency": "USD", "paymentMethod": card}
    body = yaml.safe_load((_EXAMPLES / "order.yaml").read_text())
    record = await play.stage.play(body, input=given)
    assert record.status == status
    [level] = [level for level in await play.services.inventory.levels() if level.product_id == "SKU-001"]
    assert level.reserved == reserved
    assert len(await play.services.payments.payments()) == reserved // 2
