"""Runs that no worker has begun: they have no row yet, and are shown as they were started all the same."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from temporalio.client import Client

from flowforge.api.app import create_app
from tests.workflow.engine.pair import publish, start
from tests.workflow.engine.served import services_of
from tests.workflow.engine.stage import Stage, open_stage
from tests.workflow.engine.test_starting_again import NOBODY

GIVEN = {"a": 1, "large": "x" * 20_000}
LABELS = {"metadata": {"pend": "1", "none": None}, "tenantId": "T", "parentExecutionId": NOBODY}
MOVING = {"status", "duration", "currentSteps", "completedSteps", "stepResults", "context", "output", "endTime"}


@pytest.fixture
async def idle(client: Client, database_url: str) -> AsyncIterator[Stage]:
    """A stage without a worker, on either database."""
    async with open_stage(client, database_url, at_work=False) as stage:
        yield stage


@pytest.fixture
async def shown(idle: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application over that stage."""
    transport = httpx2.ASGITransport(create_app(services_of(idle)), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stage") as http:
        yield http


async def test_run_that_no_worker_has_begun_is_shown_as_it_was_started(shown: httpx2.AsyncClient, idle: Stage) -> None:
    await publish(shown)
    run = await start(shown, context=GIVEN, **LABELS)
    pending = (await shown.get(f"/executions/{run}")).json()
    assert (pending["status"], pending["workflowId"], pending["revision"]) == ("pending", "pair", 1)
    assert {name: pending[name] for name in LABELS} == LABELS
    assert (pending["input"], pending["context"]) == (GIVEN, GIVEN)
    async with idle.hire():
        await idle.end(run)
    ended = (await shown.get(f"/executions/{run}")).json()
    assert {name for name in pending if pending[name] != ended[name]} <= MOVING


async def test_run_that_no_worker_has_begun_is_replayed_with_what_it_was_given(
    shown: httpx2.AsyncClient, idle: Stage
) -> None:
    await publish(shown)
    first = await start(shown, context=GIVEN, timeout="1h", **LABELS)
    response = await shown.post(f"/executions/{first}/replay")
    assert response.status_code == 201, response.text
    second = response.json()["executionId"]
    pending = (await shown.get(f"/executions/{second}")).json()
    assert (pending["status"], pending["replayOf"], pending["input"]) == ("pending", first, GIVEN)
    async with idle.hire():
        await idle.end(first)
        record = await idle.end(second)
    assert (record.input, record.metadata, record.tenant_id) == (GIVEN, LABELS["metadata"], "T")
    assert (record.replay_of, record.timeout_s, record.status) == (first, 3600, "completed")
    assert (await shown.get(f"/executions/{first}")).json()["replays"] == [second]


async def test_run_that_ended_before_a_worker_began_it_is_unknown(shown: httpx2.AsyncClient, idle: Stage) -> None:
    await publish(shown)
    run = await start(shown)
    await idle.client.get_workflow_handle(run).terminate(reason="by test")
    for answer in (await shown.get(f"/executions/{run}"), await shown.post(f"/executions/{run}/replay")):
        assert answer.status_code == 404
