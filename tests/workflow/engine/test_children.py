"""Runs that start runs: cancelled and undone with their parent, on a real Temporal."""

import json
from typing import Any

import pytest

from flowforge.engine.store.records import RunRecord
from tests.workflow.engine.stage import Gate, Stage
from tests.workflow.engine.test_runs import UNDO, chain, refuse

CHILD = {
    "id": "child",
    "steps": [
        {"id": "x", "action": "do", "compensation": UNDO},
        {"id": "y", "action": "do", "compensation": UNDO, "dependsOn": ["x"]},
    ],
    "output": {"n": "${n}"},
}
PARENT: dict[str, Any] = {
    "steps": [
        {"id": "a", "action": "do", "compensation": UNDO},
        {"id": "k", "action": "workflow", "params": {"workflowId": "child", "input": {"n": 5}}, "dependsOn": ["a"]},
        {"id": "b", "action": "do", "dependsOn": ["k"]},
    ],
    "output": "${k.n}",
}


@pytest.fixture(autouse=True)
async def child(stage: Stage) -> None:
    """The definition that parents run."""
    await stage.definitions.publish(json.dumps(CHILD))


async def child_of(stage: Stage, execution_id: str) -> RunRecord:
    """Return the run that a run has started."""
    (found,) = [run for run in await stage.reads.list(limit=10) if run.parent_execution_id == execution_id]
    record = await stage.reads.get(found.execution_id)
    assert record is not None
    return record


async def test_child_runs_and_gives_its_output(stage: Stage) -> None:
    record = await stage.play(PARENT)
    assert (record.status, record.output) == ("completed", 5)
    found = await child_of(stage, record.execution_id)
    assert (found.status, found.workflow_id, found.output) == ("completed", "child", {"n": 5})


async def test_child_that_fails_fails_its_step_and_leaves_nothing(stage: Stage) -> None:
    stage.actions.plays["y"] = refuse
    record = await stage.play(PARENT)
    assert record.failure is not None
    assert (record.status, record.failure["step"], record.failure["code"]) == ("compensated", "k", "no")
    assert stage.actions.undone == ["y", "x", "a"]
    assert [(undo.step_id, undo.status) for undo in record.undos] == [("k", "not_needed"), ("a", "done")]
    assert (await child_of(stage, record.execution_id)).status == "compensated"


async def test_child_that_had_completed_is_undone_with_its_parent(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    record = await stage.play(PARENT)
    assert record.status == "compensated"
    assert stage.actions.undone == ["y", "x", "a"]
    found = await child_of(stage, record.execution_id)
    assert found.status == "cancelled"
    assert {step.view for step in found.steps} == {"compensated"}
    events = await stage.reads.events(found.execution_id, limit=100)
    assert [event.id for event in events] == list(range(1, len(events) + 1))


async def test_child_in_flight_is_cancelled_with_its_parent(stage: Stage) -> None:
    gate = stage.actions.plays["y"] = Gate()
    execution_id = await stage.begin(PARENT)
    await gate.reached.wait()
    await stage.control.cancel(execution_id, "stop")
    assert (await stage.end(execution_id)).status == "cancelled"
    assert stage.actions.undone == ["y", "x", "a"]
    assert (await child_of(stage, execution_id)).status == "cancelled"


async def test_stuck_undo_of_a_completed_child_is_decided_at_the_child(stage: Stage) -> None:
    stage.actions.plays |= {"b": refuse, "undo x": refuse}
    execution_id = await stage.begin(PARENT)
    await stage.rows.until_status("needs_attention")
    found = await child_of(stage, execution_id)
    await stage.control.write_off(found.execution_id, "x", by="ada", reason="gone")
    assert (await stage.end(execution_id)).status == "compensated"
    assert stage.actions.undone == ["y", "a"]


async def test_child_of_an_unknown_definition_fails_its_step(stage: Stage) -> None:
    record = await stage.play(chain("k", undo=False, action="workflow", params={"workflowId": "nobody"}))
    assert record.failure is not None
    assert record.failure["code"] == "not_found"


async def test_child_whose_input_is_not_as_its_schema_says_fails_its_step(stage: Stage) -> None:
    await stage.definitions.publish(json.dumps({**CHILD, "inputSchema": {"required": ["other"]}}))
    record = await stage.play(PARENT)
    assert record.failure is not None
    assert (record.status, record.failure["code"]) == ("compensated", "bad_params")


async def test_runs_do_not_start_one_another_without_end(stage: Stage) -> None:
    again = {"id": "self", "steps": [{"id": "k", "action": "workflow", "params": {"workflowId": "self"}}]}
    record = await stage.play(again)
    assert record.failure is not None
    assert record.failure["code"] == "conflict"
    assert len(await stage.reads.list(limit=100)) == 11
