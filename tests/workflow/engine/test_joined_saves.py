"""A turn's only step begun with the turn's save, in one local activity: what the save says comes before the step."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.saving import RunSaved, SaveRun
from flowforge.errors import DatabaseUnavailable
from tests.workflow.engine.stage import OPTIONS, Gate, Play, Stage, open_stage, refusal, saved
from tests.workflow.engine.test_local_effects import CHAIN, fenced, scheduled

PAIRS = [fenced("x"), fenced("y"), fenced("after_x", "x"), fenced("after_y", "y")]


@pytest.fixture
async def stage(client: Client, sqlite_url: str) -> AsyncIterator[Stage]:
    """A stage whose runs try their steps inside the workflow task first."""
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, placement="auto", joins_saves=True)) as stage:
        yield stage


async def noted(stage: Stage, execution_id: str) -> Counter[str]:
    """Return how many local activities of each name a run's history has."""
    history = await stage.client.get_workflow_handle(execution_id).fetch_history()
    found: Counter[str] = Counter()
    for event in history.events:
        if event.HasField("marker_recorded_event_attributes"):
            (data,) = event.marker_recorded_event_attributes.details["data"].payloads
            found[str(stage.client.data_converter.payload_converter.from_payloads([data])[0]["activity_type"])] += 1
    return found


def begun(stage: Stage) -> list[str]:
    """Return the steps that were begun."""
    return [call.step_id for call in stage.actions.calls if not call.undo]


@pytest.mark.parametrize(("joins", "expected"), [(True, {"begin": 4, "save": 1}), (False, {"act": 4, "save": 5})])
async def test_chain_takes_one_local_activity_a_step_and_runs_of_before_take_two(
    client: Client, sqlite_url: str, *, joins: bool, expected: dict[str, int]
) -> None:
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, joins_saves=joins)) as stage:
        execution_id = await stage.begin({"steps": CHAIN})
        assert (await stage.end(execution_id)).status == "completed"
        assert await noted(stage, execution_id) == {f"engine.{name}": count for name, count in expected.items()}


@pytest.mark.parametrize("error", [DatabaseUnavailable("it is away"), KeyError("a defect")], ids=["away", "defect"])
async def test_save_that_fails_is_tried_until_it_succeeds_and_the_step_not_before(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    save, failed = stage.rows.save, list[str]()

    async def away(request: SaveRun) -> RunSaved:
        if len(failed) < 3 and any(step.step_id == "b" for step in request.steps):
            failed.extend(begun(stage)[-1:])
            raise error
        found: RunSaved = await save(request)
        return found

    monkeypatch.setattr(stage.rows, "save", away)
    execution_id = await stage.begin({"steps": [*CHAIN[:2], fenced("b", "a", retryPolicy={"maxAttempts": 1})]})
    record = await stage.end(execution_id)
    assert record.status == "completed"
    assert failed == ["a", "a", "a"]
    assert begun(stage) == ["free", "a", "b"]
    assert [step.attempts for step in record.steps] == [1, 1, 1]
    assert await scheduled(stage, execution_id) == 0


async def test_slow_save_takes_none_of_the_time_of_its_step(
    client: Client, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, placement="auto", local_timeout_s=3)
    async with open_stage(client, sqlite_url, options=options) as stage:
        save = stage.rows.save

        async def slow(request: SaveRun) -> RunSaved:
            if any(step.step_id == "b" and step.view == "running" for step in request.steps):
                await asyncio.sleep(2)
            found: RunSaved = await save(request)
            return found

        monkeypatch.setattr(stage.rows, "save", slow)
        stage.actions.plays["b"] = fails_once(stage)
        timed = fenced("b", "a", timeout="4s", retryPolicy={"initialDelay": "2500ms"})
        record = await stage.play({"steps": [*CHAIN[:2], timed]})
        assert (record.status, begun(stage)) == ("completed", ["free", "a", "b", "b"])


@pytest.mark.parametrize("is_away", [False, True], ids=["at once", "after a failure"])
async def test_mark_on_the_row_is_found_before_the_step_which_is_not_begun(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, is_away: bool
) -> None:
    gate = stage.actions.plays["a"] = Gate()
    execution_id = await stage.begin({"steps": CHAIN})
    await gate.reached.wait()
    await stage.rows.mark_cancelled(execution_id, "enough")
    save, failed = stage.rows.save, list[str]()

    async def away(request: SaveRun) -> RunSaved:
        if is_away and not failed:
            failed.append(request.execution_id)
            raise DatabaseUnavailable("it is away")
        found: RunSaved = await save(request)
        return found

    monkeypatch.setattr(stage.rows, "save", away)
    gate.opened.set()
    record = await stage.end(execution_id)
    assert (record.status, record.failure and record.failure["message"]) == ("cancelled", "enough")
    assert begun(stage) == ["free", "a"]
    assert stage.actions.undone == ["c", "b", "a"]


def fails_once(stage: Stage) -> Play:
    async def play(call: ActionCall) -> Any:
        if begun(stage).count(call.step_id) == 1:
            raise RuntimeError("not now")
        return {"did": call.step_id}

    return play


async def test_step_that_fails_goes_on_through_the_queue_and_its_turn_is_written_once(stage: Stage) -> None:
    stage.actions.plays["b"] = fails_once(stage)
    execution_id = await stage.begin({"steps": CHAIN})
    record = await stage.end(execution_id)
    assert (record.status, begun(stage)) == ("completed", ["free", "a", "b", "b", "c"])
    assert await scheduled(stage, execution_id) == 1
    assert await noted(stage, execution_id) == {"engine.begin": 4, "engine.save": 1}
    events = await stage.reads.events(execution_id, limit=100)
    assert [(event.step_id, event.status) for event in events if event.step_id == "b"] == [
        ("b", "running"),
        ("b", "success"),
    ]


async def test_failure_says_the_same_as_that_of_a_step_begun_by_itself(client: Client, sqlite_url: str) -> None:
    async def fail(_call: ActionCall) -> Any:
        raise ApplicationError("not now", {"attempt": 1, "at": "the desk"}, type="busy")

    found = []
    for joins in (True, False):
        async with open_stage(client, sqlite_url, options=replace(OPTIONS, joins_saves=joins)) as stage:
            stage.actions.plays["a"] = fail
            record = await stage.play({"steps": [fenced("a", retryPolicy={"maxAttempts": 1})]})
            (step,) = record.steps
            found.append((record.status, record.failure, step.error, step.attempts, step.details))
    assert found[0] == found[1]
    assert found[0][2:] == ({"code": "busy", "message": "not now"}, 1, {"attempt": 1, "at": "the desk"})


async def test_failure_too_large_for_temporal_is_that_of_the_one_attempt_there_was(stage: Stage) -> None:
    async def fail(_call: ActionCall) -> Any:
        raise ApplicationError("no" * 400_000, {"attempt": 1}, type="busy")

    stage.actions.plays["a"] = fail
    record = await stage.play({"steps": [fenced("a", retryPolicy={"maxAttempts": 1})]})
    (step,) = record.steps
    assert (step.error or {})["code"] == "busy"
    assert (begun(stage), step.attempts) == (["a"], 1)


async def test_refusal_turns_the_run_back(stage: Stage) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays["b"] = refuse
    record = await stage.play({"steps": CHAIN})
    assert (record.status, stage.actions.undone) == ("compensated", ["c", "b", "a"])


async def test_other_branches_go_on_while_it_runs(stage: Stage) -> None:
    y, after_x = Gate(), Gate()
    stage.actions.plays |= {"y": y, "after_x": after_x}
    execution_id = await stage.begin({"steps": PAIRS})
    await y.reached.wait()
    await after_x.reached.wait()
    y.opened.set()
    await stage.rows.until(saved("after_y", "success"))
    after_x.opened.set()
    assert (await stage.end(execution_id)).status == "completed"
    assert sorted(begun(stage)) == ["after_x", "after_y", "x", "y"]


async def test_mark_on_the_row_stops_it_when_another_branch_finds_that(stage: Stage) -> None:
    y, after_x = Gate(), Gate()
    stage.actions.plays |= {"y": y, "after_x": after_x}
    execution_id = await stage.begin({"steps": PAIRS})
    await y.reached.wait()
    await after_x.reached.wait()
    await stage.rows.mark_cancelled(execution_id, "enough")
    y.opened.set()
    assert (await stage.end(execution_id)).status == "cancelled"
    assert "after_y" not in begun(stage)
    assert set(stage.actions.undone) == {"x", "y", "after_x", "after_y"}
    assert "after_x" not in stage.actions.done
