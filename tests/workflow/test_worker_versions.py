"""Orders belong to the version of the workers that began them, to the last of their undos."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import Worker

from flowforge.errors import Conflict, TemporalUnavailable
from flowforge.orders.activities import OrderActivities
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.journal import OrderJournal
from flowforge.temporal.versions import set_current, versions
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of
from tests.workflow.shop import Counter, Gate, Hooks, another_connection, open_counter
from tests.workflow.table import FAIL_AT_LAST


@pytest.fixture
def deployment() -> str:
    return f"shop-{uuid.uuid4()}"


@pytest.fixture
async def counter(client: Client, sqlite_url: str, options: OrderOptions) -> AsyncIterator[Counter]:
    """A counter without a worker, on a connection that no worker shares."""
    async with open_counter(await another_connection(client), sqlite_url, options) as counter:
        yield counter


def worker_of(client: Client, counter: Counter, deployment: str, build_id: str, hooks: Hooks) -> Worker:
    return build_worker(
        client,
        task_queue=counter.task_queue,
        activities=activities_of(counter.services, OrderActivities(OrderJournal(counter.database))),
        max_concurrent_activities=100,
        max_concurrent_workflow_tasks=100,
        interceptors=[hooks],
        version=WorkerDeploymentVersion(deployment_name=deployment, build_id=build_id),
    )


@asynccontextmanager
async def at_work(client: Client, counter: Counter, deployment: str, build_id: str) -> AsyncIterator[Hooks]:
    """Have a worker of a version, until Temporal knows it and longer."""
    hooks = Hooks()
    async with worker_of(client, counter, deployment, build_id, hooks):
        while build_id not in await statuses(client, deployment):
            pass  # Temporal has no event for it
        yield hooks


async def statuses(client: Client, deployment: str) -> dict[str, str]:
    while True:
        try:
            return {version.build_id: version.status for version in await versions(client, deployment)}
        except TemporalUnavailable:
            pass  # a Temporal that is busy with versions cancels such a question


async def becomes_current(client: Client, deployment: str, build_id: str) -> None:
    """Make a version the current one, as soon as its worker is ready for that."""
    while (await statuses(client, deployment)).get(build_id) != "current":
        with contextlib.suppress(Conflict):
            await set_current(client, deployment, build_id)


async def test_order_in_the_middle_stays_with_its_version_and_new_ones_begin_with_the_current(
    client: Client, counter: Counter, deployment: str
) -> None:
    gate = Gate()
    async with at_work(client, counter, deployment, "v1") as first:
        await becomes_current(client, deployment, "v1")
        first.before["payments.charge"] = gate
        old = await counter.place()
        await gate.reached.wait()
        async with at_work(client, counter, deployment, "v2") as second:
            await becomes_current(client, deployment, "v2")
            assert (await statuses(client, deployment))["v1"] == "draining"
            before = len(first.runs)
            new = await counter.end(await counter.place())
            assert new.status == "completed"
            assert "payments.charge" in second.runs
            assert len(first.runs) == before
            ran = list(second.runs)
            gate.open()
            assert (await counter.end(old)).status == "completed"
            assert second.runs == ran


async def test_undo_that_takes_days_waits_for_a_worker_of_its_version(
    client: Client, counter: Counter, deployment: str
) -> None:
    before = await counter.stock()
    gate = Gate()
    async with at_work(client, counter, deployment, "v1") as first:
        await becomes_current(client, deployment, "v1")

        async def provider_is_down(_count: int) -> None:
            gate.reached.set()
            raise ConnectionError("the network is down")

        first.before["payments.refund_by_key"] = provider_is_down
        old = await counter.place(fail_at=FAIL_AT_LAST)
        await gate.reached.wait()
    async with at_work(client, counter, deployment, "v2") as second:
        await becomes_current(client, deployment, "v2")
        assert (await counter.end(await counter.place())).status == "completed"
        # The old order is nobody's: not taken up by another version, and not given up.
        assert "payments.refund_by_key" not in second.runs
        assert (await counter.gateway.get(old.order_id)).status == "compensating"
        async with at_work(client, counter, deployment, "v1"):
            record = await counter.end(old)
        assert record.status == "failed"
        assert "payments.refund_by_key" not in second.runs
    on_hand, reserved, _shipped = await counter.stock()
    assert (on_hand, reserved) == (before[0] - 2, before[1])


async def test_version_that_no_worker_has_cannot_become_current(client: Client, deployment: str) -> None:
    assert await versions(client, deployment) == []
    with pytest.raises(Conflict, match="v9 are not ready"):
        await set_current(client, deployment, "v9")
