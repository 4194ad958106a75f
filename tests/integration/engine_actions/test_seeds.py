"""The bundled definitions as they stand, with the actions that are offered, on a real Temporal."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.activities import RunActivities
from flowforge.engine.contracts import RunOptions
from flowforge.engine.control import RunControl
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import NewRun, RunGateway
from flowforge.engine.launching import Launcher
from flowforge.engine.preparing import ChildRuns
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import RunRecord
from flowforge.engine.store.rows import RunRows
from flowforge.engine.store.values import RunValues
from flowforge.engine.workflow import RunWorkflow
from flowforge.orders.audit import audit
from flowforge.orders.journal import OrderJournal
from flowforge.persistence.database import Database
from flowforge.persistence.tables.accounts import SAMPLE_ACCOUNTS
from flowforge.services.wiring import build_services
from flowforge.worker.heartbeats import Heartbeats
from flowforge.worker.registration import activities_of_runs
from flowforge.worker.sandbox import sandbox_for
from tests.unit.engine.actions.site import Site, serving, told

_SEEDS = Path(__file__).parents[2] / "fixtures" / "engine" / "seeds"
_PATIENT = RunOptions(forward_max_interval_s=0.05, undo_max_interval_s=0.05)


@dataclass(kw_only=True)
class House:
    """A worker with every action, and the door to its runs."""

    client: Client
    database: Database
    definitions: DefinitionStore
    gateway: RunGateway
    control: RunControl
    reads: RunReads

    async def begin(self, body: dict[str, Any], given: dict[str, Any]) -> str:
        """Publish a definition and start it."""
        published = await self.definitions.publish(json.dumps(body))
        new = NewRun(workflow_id=published.revision.workflow_id, input=given)
        return (await self.gateway.start(new)).execution_id

    async def end(self, execution_id: str) -> RunRecord:
        """Wait for a run's end, and see that the audit has nothing to say."""
        with contextlib.suppress(WorkflowFailureError):  # the record tells
            await self.client.get_workflow_handle(execution_id).result()
        findings = await self.database.read(audit)
        assert [finding for finding in findings if finding.is_violation] == []
        record = await self.reads.get(execution_id)
        assert record is not None
        return record

    async def run(self, body: dict[str, Any], given: dict[str, Any]) -> RunRecord:
        """Publish, start and wait for the end."""
        return await self.end(await self.begin(body, given))


@contextlib.asynccontextmanager
async def _open_house(client: Client, url: str) -> AsyncIterator[House]:
    database = Database(url)
    services = build_services(database, OrderJournal(database))
    options = OfferOptions(egress_allow="127.0.0.1")
    queue = f"house-{uuid.uuid4()}"
    rows, reads, definitions = RunRows(database), RunReads(database), DefinitionStore(database)
    async with open_offer(options, services=services, database=database) as offer:
        filler = Filler(RunValues(database))
        children = ChildRuns(definitions, offer.registry, filler)
        gateway = RunGateway(
            client,
            definitions=definitions,
            reads=reads,
            keys=StartKeys(database),
            filler=filler,
            effects=offer.registry,
            launcher=Launcher(queue),
            options=_PATIENT,
        )
        async with Worker(
            client,
            task_queue=queue,
            workflows=[RunWorkflow],
            activities=[
                *activities_of_runs(RunActivities(rows, children, filler, offer.activities.act)),
                offer.activities.act,
            ],
            workflow_runner=sandbox_for(client.data_converter),
            interceptors=[Heartbeats()],
        ):
            yield House(
                client=client,
                database=database,
                definitions=definitions,
                gateway=gateway,
                control=RunControl(client, runs=gateway, rows=rows),
                reads=reads,
            )
    await database.close()


@pytest.fixture
async def house(client: Client, sqlite_url: str) -> AsyncIterator[House]:
    async with _open_house(client, sqlite_url) as house:
        yield house


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


def seed(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((_SEEDS / f"{name}.json").read_text())
    return body


def at(site: Site, body: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with every URL at a site of the test's own, the old host as the first part of the path."""
    text = json.dumps(body)
    return dict(json.loads(text.replace("http://", f"{site.url}/").replace("https://", f"{site.url}/")))


def results(record: RunRecord) -> dict[str, Any]:
    return {step.step_id: step.result for step in record.steps}


async def test_an_order_completes_with_its_exact_total(house: House) -> None:
    record = await house.run(seed("000-OrderWorkflow"), seed("start-000-order")["input"])
    assert record.status == "completed"
    assert results(record)["ChargePayment"]["amount"] == 99.98
    assert results(record)["Complete"] == {"orderId": "ORD-123", "status": "completed"}


async def test_an_order_whose_payment_is_refused_has_nothing_to_refund(house: House) -> None:
    record = await house.run(seed("000-OrderWorkflow"), seed("start-000-refused")["input"])
    assert record.status == "compensated"
    assert record.failure is not None
    assert record.failure["code"] == "card_declined"
    assert [(undo.step_id, undo.status) for undo in record.undos] == [("ChargePayment", "not_needed")]


@pytest.mark.parametrize("fails_at", [None, "CreditDestination", "RecordAuditLog", "SendNotifications"])
async def test_a_transfer_never_loses_money(house: House, fails_at: str | None) -> None:
    given = {"fromAccount": "A", "toAccount": "B", "amount": 12.5, "_testFailAt": fails_at}
    record = await house.run(seed("000-TransferWorkflow"), given)
    assert record.status == ("completed" if fails_at is None else "compensated")

    def read(connection: Connection) -> tuple[int, int]:
        lost = SAMPLE_ACCOUNTS.c.opened_with_minor - SAMPLE_ACCOUNTS.c.balance_minor
        row = connection.execute(select(func.sum(lost), func.max(lost))).one()
        return row[0], row[1]

    assert await house.database.read(read) == (0, 1250 if fails_at is None else 0)


async def test_a_migration_that_cannot_be_verified_is_rolled_back(house: House) -> None:
    record = await house.run(seed("000-MigrationWorkflow"), {"_testFailAt": "VerifyMigration"})
    assert record.status == "compensated"
    assert [(undo.action, undo.status) for undo in record.undos] == [
        (f"RollbackService{service}", "done") for service in "CBA"
    ]


async def test_a_rejected_approval_revokes_what_was_approved(house: House) -> None:
    execution_id = await house.begin(seed("000-ApprovalWorkflow"), {"documentId": "d-1"})
    await house.control.signal(execution_id, "reviewer1", {"approved": True})
    await house.control.signal(execution_id, "reviewer2", {"approved": False})
    record = await house.end(execution_id)
    assert record.status == "compensated"
    assert record.failure is not None
    assert (record.failure["code"], record.failure["step"]) == ("rejected", "FinalApproval")
    assert [(undo.action, undo.status) for undo in record.undos] == [
        ("RevokeFinalApproval", "not_needed"),
        ("RevokeApproval2", "not_needed"),
        ("RevokeApproval1", "done"),
    ]


async def test_an_approval_by_all_is_published(house: House) -> None:
    execution_id = await house.begin(seed("000-ApprovalWorkflow"), {"approvals": {"reviewer1": True, "final": True}})
    await house.control.signal(execution_id, "reviewer2", {"approved": True})
    record = await house.end(execution_id)
    assert record.status == "completed"
    assert results(record)["PublishDocument"] == {"published": True}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("002-cicd-pipeline", {}, {"deploy-production": None}),
        (
            "003-order-processing",
            seed("start-002-order-processing")["context"],
            {"notify": {"notified": "customer-456"}},
        ),
        ("003-fraud-check", {"amount": 99.99}, {"auto-approve": {"approved": True}, "manual-review": None}),
        ("003-fraud-check", {"amount": 400}, {"auto-approve": None, "manual-review": {"queued": True}}),
        ("003-customer-lifecycle", {"plan": "enterprise"}, {"greet": None}),
        ("004-greeting", {"user": {"name": "Ada"}}, {"say-hello": {"message": "Hello, Ada!"}}),
    ],
)
async def test_a_seed_completes(house: House, name: str, given: Any, expected: dict[str, Any]) -> None:
    record = await house.run(seed(name), given)
    assert record.status == "completed"
    assert {step: results(record).get(step) for step in expected} == expected


async def test_data_is_extracted_transformed_and_loaded(house: House, site: Site) -> None:
    users = [{"id": 1, "name": "Ada", "secret": "x"}]
    orders = [{"id": 7, "status": "active"}, {"id": 8, "status": "old"}]
    site.answer = lambda asked: told({"users": users, "orders": orders} if asked.method == "GET" else {"loaded": True})
    record = await house.run(at(site, seed("002-etl-pipeline")), {})
    assert record.status == "completed"
    assert results(record)["transform-users"] == [{"id": 1, "name": "Ada"}]
    loaded = json.loads(site.asked[-1].body)
    assert loaded["transform-orders"] == [{"id": 7, "status": "active"}]
    assert site.asked[-1].headers["idempotency-key"] == f"{record.execution_id}:1:load:1"


async def test_an_order_over_http_charges_with_one_key_however_often_it_is_tried(house: House, site: Site) -> None:
    busy = iter([True, True])
    site.answer = lambda asked: told({}, 503) if "charge" in asked.target and next(busy, False) else told({"ok": 1})
    body = at(site, seed("002-order-flow"))
    for step in body["steps"]:
        step["retryPolicy"] = {"maxAttempts": 5, "initialDelay": 10}
    record = await house.run(body, {"orderId": "o-1"})
    assert record.status == "completed"
    charges = [asked.headers["idempotency-key"] for asked in site.asked if "charge" in asked.target]
    assert charges == 3 * [f"{record.execution_id}:1:charge-payment:1"]
    assert results(record)["send-confirmation"]["delivered"] is True


async def test_an_order_is_charged_what_it_comes_to_and_an_invalid_one_is_not(house: House, site: Site) -> None:
    body = at(site, seed("004-process-order"))
    record = await house.run(body, {"order": {"id": "o-1", "items": [{"price": 19.99, "quantity": 3}]}})
    assert record.status == "completed"
    assert json.loads(site.asked[0].body) == {"amount": 59.97}
    assert results(record)["charge-payment"]["status"] == 200
    record = await house.run(body, {"order": {"id": "o-2", "items": []}})
    assert record.status == "completed"
    assert len(site.asked) == 1
    assert results(record)["notify-invalid"] == {"error": "Invalid order"}


async def test_runs_side_by_side_keep_to_themselves(house: House) -> None:
    async def order(number: int) -> RunRecord:
        given = {"orderId": f"o-{number}", "items": [{"sku": "a", "price": number, "quantity": 1}]}
        return await house.run(seed("000-OrderWorkflow"), given)

    records = await asyncio.gather(*(order(number) for number in range(1, 6)))
    assert [results(record)["ChargePayment"]["amount"] for record in records] == [1, 2, 3, 4, 5]
