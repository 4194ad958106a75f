"""Operators and runs that runs have started: whatever state a child is in, its parent ends whole with it."""

import json
from typing import Any

import pytest

from flowforge.engine.control import RetryRefused
from flowforge.engine.retries import RetryWish
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict
from tests.workflow.engine.stage import Gate, Stage, saved
from tests.workflow.engine.test_children import CHILD, PARENT
from tests.workflow.engine.test_runs import UNDO, refuse

WAIT = {"id": "y", "action": "wait", "params": {"event": "go"}, "dependsOn": ["x"]}
HELD = {**PARENT, "failurePolicy": "hold"}


async def children_of(stage: Stage, parent: str) -> list[RunRecord]:
    """Return the runs that a run has started, the oldest first."""
    found = [run.execution_id for run in await stage.reads.list(limit=50) if run.parent_execution_id == parent]
    records = [await stage.reads.get(name) for name in reversed(found)]
    return [record for record in records if record is not None]


STEPS: list[dict[str, Any]] = [{"id": "x", "action": "do", "compensation": UNDO}, WAIT]


async def begin(stage: Stage, parent: dict[str, Any] = PARENT, **child: Any) -> str:
    """Start a parent of a child that is another one than usual in these parts."""
    await stage.definitions.publish(json.dumps({**CHILD, **child}))
    return await stage.begin(parent)


async def only_child(stage: Stage, parent: str, status: str) -> str:
    """Wait until the one child is in a state; return its name."""
    await stage.rows.until(lambda save: save.status == status and save.execution_id != parent)
    (child,) = await children_of(stage, parent)
    return child.execution_id


def effects(stage: Stage) -> list[str]:
    """Return what was done and not undone, in order."""
    left: list[str] = []
    for name in stage.actions.done:
        undone = name.removeprefix("undo ")
        if undone == name:
            left.append(name)
        elif undone in left:  # what was refused is undone, too
            left.remove(undone)
    return left


async def test_parent_called_off_while_its_child_waits_both_are_whole(stage: Stage) -> None:
    parent = await begin(stage, steps=STEPS)
    child = await only_child(stage, parent, "waiting")
    await stage.control.cancel(parent, "stop")
    assert (await stage.end(parent)).status == "cancelled"
    assert (await stage.end(child)).status == "cancelled"
    assert effects(stage) == []


async def test_parent_called_off_while_its_child_is_paused_both_are_whole(stage: Stage) -> None:
    gate = stage.actions.plays["x"] = Gate()
    parent = await begin(stage)
    await gate.reached.wait()
    (child,) = await children_of(stage, parent)
    await stage.control.pause(child.execution_id)
    gate.opened.set()
    await stage.rows.until(saved("x", "success"))
    await stage.control.cancel(parent, "stop")
    assert (await stage.end(parent)).status == "cancelled"
    assert (await stage.end(child.execution_id)).status == "cancelled"
    assert effects(stage) == []


async def test_parent_called_off_while_its_child_is_held_both_are_whole(stage: Stage) -> None:
    stage.actions.plays["y"] = refuse
    parent = await begin(stage, failurePolicy="hold")
    child = await only_child(stage, parent, "needs_attention")
    await stage.control.cancel(parent, "stop")
    assert (await stage.end(parent)).status == "cancelled"
    assert (await stage.end(child)).status == "cancelled"
    assert effects(stage) == []


async def test_parent_called_off_while_an_undo_of_its_child_is_stuck_waits_for_the_decision(stage: Stage) -> None:
    stage.actions.plays |= {"y": refuse, "undo x": refuse}
    parent = await begin(stage)
    child = await only_child(stage, parent, "needs_attention")
    await stage.control.cancel(parent, "stop")
    await stage.rows.until(lambda save: save.execution_id == parent and save.status == "compensating")
    del stage.actions.plays["undo x"]
    await stage.control.retry_compensation(child, "x")
    assert (await stage.end(parent)).status == "cancelled"
    assert (await stage.end(child)).status == "compensated"
    assert effects(stage) == []


async def test_child_called_off_by_itself_fails_its_step_and_its_parent_is_undone(stage: Stage) -> None:
    parent = await begin(stage, steps=STEPS)
    child = await only_child(stage, parent, "waiting")
    await stage.control.cancel(child, "not this one")
    record = await stage.end(parent)
    assert record.failure is not None
    assert (record.status, record.failure["step"]) == ("compensated", "k")
    assert (await stage.end(child)).status == "cancelled"
    assert effects(stage) == []


async def test_child_that_waits_is_woken_by_its_own_name_and_its_parent_goes_on(stage: Stage) -> None:
    parent = await begin(stage, steps=STEPS)
    child = await only_child(stage, parent, "waiting")
    await stage.control.signal(child, "go", {"by": "ada"})
    assert (await stage.end(parent)).status == "completed"
    assert (await stage.end(child)).status == "completed"


async def test_paused_parent_lets_its_child_end_and_goes_on_when_it_is_resumed(stage: Stage) -> None:
    gate = stage.actions.plays["y"] = Gate()
    parent = await begin(stage)
    await gate.reached.wait()
    await stage.control.pause(parent)
    gate.opened.set()
    await stage.rows.until(saved("k", "success"))
    assert "b" not in stage.actions.done
    await stage.control.resume(parent, None)
    assert (await stage.end(parent)).status == "completed"
    assert effects(stage) == ["a", "x", "y", "b"]


async def test_held_child_is_retried_and_its_parent_never_notices(stage: Stage) -> None:
    stage.actions.plays["y"] = refuse
    parent = await begin(stage, failurePolicy="hold")
    child = await only_child(stage, parent, "needs_attention")
    del stage.actions.plays["y"]
    await stage.retries.retry(child, RetryWish())
    assert (await stage.end(parent)).status == "completed"
    assert effects(stage) == ["a", "x", "y", "b"]


async def test_held_parent_of_a_failed_child_is_retried_with_a_new_child(stage: Stage) -> None:
    stage.actions.plays["y"] = refuse
    parent = await begin(stage, HELD)
    await stage.rows.until(lambda save: save.execution_id == parent and save.status == "needs_attention")
    assert effects(stage) == ["a"], "the child has undone itself"
    (first,) = await children_of(stage, parent)
    with pytest.raises(Conflict, match=parent):
        await stage.retries.retry(first.execution_id, RetryWish())
    del stage.actions.plays["y"]
    await stage.retries.retry(parent, RetryWish())
    assert (await stage.end(parent)).status == "completed"
    assert [child.status for child in await children_of(stage, parent)] == ["compensated", "completed"]
    assert effects(stage) == ["a", "x", "y", "b"]


async def test_held_parent_keeps_its_completed_child_and_undoes_it_when_that_is_decided(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    parent = await begin(stage, HELD)
    await stage.rows.until(lambda save: save.execution_id == parent and save.status == "needs_attention")
    with pytest.raises(RetryRefused, match="k has done something that is kept"):
        await stage.retries.retry(parent, RetryWish(step="k"))
    known = len(stage.rows.saves)
    await stage.retries.retry(parent, RetryWish())
    while not any(save.status == "needs_attention" for save in stage.rows.saves[known:]):
        await stage.rows.until_more(len(stage.rows.saves))
    assert [child.status for child in await children_of(stage, parent)] == ["completed"]
    await stage.control.compensate(parent)
    assert (await stage.end(parent)).status == "compensated"
    assert [child.status for child in await children_of(stage, parent)] == ["cancelled"]
    assert (effects(stage), stage.actions.undone) == ([], ["y", "x", "a"])


async def test_compensated_parent_starts_over_with_a_child_of_its_next_generation(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    parent = await begin(stage)
    assert (await stage.end(parent)).status == "compensated"
    assert effects(stage) == []
    del stage.actions.plays["b"]
    again = await stage.retries.retry(parent, RetryWish())
    assert again.generation == 2
    record = await stage.end(parent)
    assert (record.status, record.output) == ("completed", 5)
    assert [child.status for child in await children_of(stage, parent)] == ["cancelled", "completed"]
    assert effects(stage) == ["a", "x", "y", "b"]


async def test_parent_that_is_replayed_has_a_child_of_its_own(stage: Stage) -> None:
    parent = await begin(stage)
    await stage.end(parent)
    other = await stage.gateway.replay(parent)
    assert (await stage.end(other.execution_id)).status == "completed"
    assert len(await children_of(stage, other.execution_id)) == 1
    assert effects(stage) == ["a", "x", "y", "b"] * 2


async def test_child_with_an_undo_of_its_own_is_undone_by_that_and_stays_completed(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    own = [{**step, "compensation": UNDO} if step["id"] == "k" else step for step in PARENT["steps"]]
    parent = await begin(stage, {**PARENT, "steps": own})
    assert (await stage.end(parent)).status == "compensated"
    assert stage.actions.undone == ["k", "a"]
    assert [child.status for child in await children_of(stage, parent)] == ["completed"]
