"""The saga as a library on a real Temporal: what ends a run, and what must not undo anything."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.worker import Replayer, Worker

from examples.own_workflow import Trip, book
from tests.workflow.library_workflows import Library, Plan, Shop


@asynccontextmanager
async def running(
    client: Client, plan: Plan, *, cached_runs: int = 1000
) -> AsyncIterator[tuple[Shop, WorkflowHandle[Library, list[str]]]]:
    """Start a plan on a worker of its own; `cached_runs=0` evicts the run after every workflow task."""
    shop, task_queue = Shop(), f"library-{uuid.uuid4()}"
    async with Worker(
        client,
        task_queue=task_queue,
        workflows=[Library],
        activities=[shop.act, shop.unact],
        max_cached_workflows=cached_runs,
    ):
        handle = await client.start_workflow(Library.run, plan, id=f"library-{uuid.uuid4()}", task_queue=task_queue)
        yield shop, handle
        if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            await handle.terminate()
    await Replayer(workflows=[Library], debug_mode=True).replay_workflow(await handle.fetch_history())


async def failure_of(handle: WorkflowHandle[Library, list[str]]) -> BaseException:
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def test_example_trip_is_booked(client: Client) -> None:
    outcome, log = await book(client, Trip("Ada", "Lisbon"))
    assert outcome == ["flight to Lisbon", "room in Lisbon", "car in Lisbon"]
    assert sorted(log) == sorted(outcome)


async def test_example_car_is_refused_trip_is_made_whole(client: Client) -> None:
    outcome, log = await book(client, Trip("Ada", "Lisbon", cars_left=0))
    assert outcome == "failed: no_cars: no cars left in Lisbon"
    assert log[0] == "flight to Lisbon"
    assert log[-1] == "cancelled flight to Lisbon"
    assert "cancelled nothing: no car was booked" in log


@pytest.mark.parametrize("cached_runs", [1000, 0])
async def test_step_refuses_begun_steps_are_undone_in_reverse(client: Client, cached_runs: int) -> None:
    async with running(client, Plan(["a", "b", "refuse"]), cached_runs=cached_runs) as (shop, handle):
        failure = await failure_of(handle)
        assert isinstance(failure, ActivityError)
        assert isinstance(failure.cause, ApplicationError)
        assert failure.cause.type == "refused"
        assert shop.log == ["a", "b", "undo refuse", "undo b", "undo a"]


@pytest.mark.parametrize("cached_runs", [1000, 0])
@pytest.mark.parametrize("manner", ["hang", "stubborn"])
async def test_cancelled_in_a_step_waits_for_it_then_unwinds(client: Client, manner: str, cached_runs: int) -> None:
    async with running(client, Plan(["a", manner, "b"]), cached_runs=cached_runs) as (shop, handle):
        await shop.hanging.wait()
        await handle.cancel()
        await handle.cancel()
        assert isinstance(await failure_of(handle), CancelledError)
        settled = [f"{manner} was cancelled"] + (["stubborn"] if manner == "stubborn" else [])
        assert shop.log == ["a", *settled, f"undo {manner}", "undo a"]
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED


async def test_cancelled_before_the_first_task_ends_cancelled_with_nothing_done(client: Client) -> None:
    shop, task_queue = Shop(), f"library-{uuid.uuid4()}"
    handle = await client.start_workflow(Library.run, Plan(["a"]), id=f"library-{uuid.uuid4()}", task_queue=task_queue)
    await handle.cancel()
    async with Worker(client, task_queue=task_queue, workflows=[Library], activities=[shop.act, shop.unact]):
        assert isinstance(await failure_of(handle), CancelledError)
    assert "a" not in shop.log


async def test_deadline_passes_unwinds_with_step_timeout(client: Client) -> None:
    async with running(client, Plan(["a", "hang"], deadline_s=1)) as (shop, handle):
        failure = await failure_of(handle)
        assert isinstance(failure, ApplicationError)
        assert failure.type == "step_timeout"
        assert shop.log == ["a", "hang was cancelled", "undo hang", "undo a"]


async def test_continue_as_new_undoes_nothing(client: Client) -> None:
    async with running(client, Plan(["a", "b"], then="continue_as_new")) as (shop, handle):
        assert await handle.result() == ["last"]
        assert shop.log == ["a", "b", "last"]


async def test_evicted_while_it_waits_undoes_nothing(client: Client) -> None:
    async with running(client, Plan(["a", "b"], then="sleep"), cached_runs=0) as (shop, handle):
        await shop.acted.wait()
        for _ in range(5):
            await handle.query(Library.completed)  # each query loads the run, and evicts it again
        assert shop.log == ["a", "b"]
        await handle.cancel()
        assert isinstance(await failure_of(handle), CancelledError)
        assert shop.log == ["a", "b", "undo b", "undo a"]


async def test_cancelled_by_its_own_code_unwinds(client: Client) -> None:
    async with running(client, Plan(["a", "b"], then="cancel_itself")) as (shop, handle):
        await failure_of(handle)
        assert shop.log == ["a", "b", "undo b", "undo a"]


@pytest.mark.parametrize("then", ["time_out", "raise_declared"])
async def test_whatever_else_fails_the_run_unwinds(client: Client, then: str) -> None:
    async with running(client, Plan(["a", "b"], then=then)) as (shop, handle):
        assert isinstance(await failure_of(handle), ApplicationError)
        assert shop.log == ["a", "b", "undo b", "undo a"]
