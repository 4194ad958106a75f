"""Fenced steps inside the workflow task: where they run, how they are tried, and what is undone when they fail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from flowforge.durable.placement import Placement
from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.saving import RunSaved, SaveRun
from flowforge.errors import Conflict
from tests.workflow.engine.stage import OPTIONS, Gate, Stage, open_stage, refusal

UNDO = {"action": "fenced-undo"}


@pytest.fixture(params=["auto", "local", "queue"])
def placement(request: pytest.FixtureRequest) -> Placement:
    """Where steps run first."""
    placement: Placement = request.param
    return placement


@pytest.fixture
async def stage(client: Client, sqlite_url: str, placement: Placement) -> AsyncIterator[Stage]:
    """A stage whose runs place their steps so."""
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, placement=placement)) as stage:
        yield stage


def fenced(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "action": "fenced-do", "compensation": UNDO, "dependsOn": list(after), **keys}


CHAIN = [{"id": "free", "action": "free"}, fenced("a", "free"), fenced("b", "a"), fenced("c", "b")]


async def scheduled(stage: Stage, execution_id: str) -> int:
    """Return how many actions went through the task queue."""
    history = await stage.client.get_workflow_handle(execution_id).fetch_history()
    return sum(event.HasField("activity_task_scheduled_event_attributes") for event in history.events)


async def test_fenced_steps_run_where_they_are_placed(stage: Stage, placement: Placement) -> None:
    execution_id = await stage.begin({"steps": [*CHAIN, {"id": "plain", "action": "do"}]})
    record = await stage.end(execution_id)
    assert record.status == "completed"
    assert await scheduled(stage, execution_id) == (5 if placement == "queue" else 1)


async def test_undos_run_there_too_and_come_in_reverse(stage: Stage, placement: Placement) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays["c"] = refuse
    execution_id = await stage.begin({"steps": CHAIN})
    record = await stage.end(execution_id)
    assert (record.status, stage.actions.undone) == ("compensated", ["c", "b", "a"])
    assert await scheduled(stage, execution_id) == (7 if placement == "queue" else 0)


async def test_refusal_before_the_others_began_sees_to_it_that_they_never_do(
    stage: Stage, placement: Placement
) -> None:
    """Nobody but this run's memory knows that they have not begun, and that may be another memory than the one lost."""

    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays["a"] = refuse
    record = await stage.play({"steps": CHAIN})
    assert stage.actions.undone == (["a"] if placement == "queue" else ["c", "b", "a"])
    assert record.status == "compensated"


async def test_fault_that_passes_is_tried_as_often_as_the_step_says_and_counted_together(
    stage: Stage, placement: Placement
) -> None:
    async def fail(_call: ActionCall) -> Any:
        raise ApplicationError("not now", {"attempt": activity.info().attempt}, type="busy")

    stage.actions.plays["a"] = fail
    policy = {"maxAttempts": 3, "initialDelay": "20ms"}
    execution_id = await stage.begin({"steps": [fenced("a", retryPolicy=policy)]})
    record = await stage.end(execution_id)
    assert (record.status, record.failure and record.failure["code"]) == ("compensated", "busy")
    assert [step.attempts for step in record.steps] == [3]
    assert len([call for call in stage.actions.calls if not call.undo]) == 3
    assert await scheduled(stage, execution_id) == {"auto": 1, "local": 0, "queue": 2}[placement]


async def test_code_that_is_not_to_be_retried_is_not_retried_elsewhere(stage: Stage) -> None:
    calls: list[str] = []

    async def fail(call: ActionCall) -> Any:
        calls.append(call.step_id)
        raise ApplicationError("never", {"attempt": 1}, type="hopeless")

    stage.actions.plays["a"] = fail
    record = await stage.play({"steps": [fenced("a", retryPolicy={"nonRetryable": ["hopeless"]})]})
    assert (record.status, calls) == ("compensated", ["a"])


@pytest.mark.parametrize("step", ["a", "b", "c"])
async def test_run_called_off_during_a_step_completes_or_is_whole(stage: Stage, step: str) -> None:
    gate = Gate()
    stage.actions.plays[step] = gate
    execution_id = await stage.begin({"steps": CHAIN})
    await gate.reached.wait()
    await stage.control.cancel(execution_id, "enough")
    gate.opened.set()
    record = await stage.end(execution_id)
    assert record.status == "cancelled"
    done = {name for name in stage.actions.done if not name.startswith("undo ")} - {"free"}
    assert done <= set(stage.actions.undone)


async def test_step_that_takes_longer_than_a_workflow_task_may_is_finished_all_the_same(
    client: Client, sqlite_url: str
) -> None:
    options = replace(OPTIONS, placement="local", local_timeout_s=0.2)
    async with open_stage(client, sqlite_url, options=options) as stage:
        gate = Gate()
        stage.actions.plays["a"] = gate
        execution_id = await stage.begin({"steps": [fenced("a", retryPolicy={"maxAttempts": 2})]})
        record = await stage.end(execution_id)
        assert record.failure is not None
        assert (record.status, record.failure["code"]) == ("compensated", "step_timeout")


async def test_cancelled_before_it_has_a_row_what_is_answered_is_what_becomes_of_it(stage: Stage) -> None:
    """There is no row to mark yet, and steps inside the task hear of nothing: it may be too late, but is said."""
    gate = asyncio.Event()
    opening, save = asyncio.Event(), stage.rows.save

    async def late(request: SaveRun) -> RunSaved:
        opening.set()
        await gate.wait()
        saved: RunSaved = await save(request)
        return saved

    stage.rows.save = late  # type: ignore[method-assign]  # its own would write the row at once
    execution_id = await stage.begin({"steps": [fenced("a")]})
    await opening.wait()
    cancelling = asyncio.create_task(stage.control.cancel(execution_id, "changed my mind"))
    await asyncio.wait([cancelling], timeout=0.5)
    gate.set()
    try:
        accepted = await cancelling
    except Conflict as error:
        assert "completed" in error.message  # noqa: PT017  either is right
        assert (await stage.end(execution_id)).status == "completed"
    else:
        assert accepted.reason == "changed my mind"
        assert (await stage.end(execution_id)).status == "cancelled"
