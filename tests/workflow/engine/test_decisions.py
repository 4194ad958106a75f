"""What people do to runs, and what becomes of runs whose worker goes, on a real Temporal."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client

from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.retries import RetryWish
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict
from tests.workflow.engine.stage import OPTIONS, Gate, Stage, open_stage, refusal, saved
from tests.workflow.engine.test_runs import chain, refuse

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_run_that_is_cancelled_in_a_step_is_undone_and_ends_cancelled(stage: Stage, at: int) -> None:
    gate = stage.actions.plays[NAMES[at]] = Gate()
    execution_id = await stage.begin(chain(*NAMES))
    await gate.reached.wait()
    accepted = await stage.control.cancel(execution_id, "thought better of it")
    again = await stage.control.cancel(execution_id, "really")
    assert accepted.reason == again.reason == "thought better of it"
    record = await stage.end(execution_id)
    assert (record.status, record.cancel_reason) == ("cancelled", "thought better of it")
    assert record.failure is not None
    assert record.failure["message"] == "thought better of it"
    assert stage.actions.undone == list(reversed(NAMES[: at + 1]))
    assert (await stage.control.cancel(execution_id, "once more")).reason == "thought better of it"


async def test_cancel_by_temporal_itself_works_the_same(stage: Stage) -> None:
    gate = stage.actions.plays["b"] = Gate()
    execution_id = await stage.begin(chain(*NAMES))
    await gate.reached.wait()
    await stage.client.get_workflow_handle(execution_id).cancel(reason="from the UI")
    record = await stage.end(execution_id)
    assert (record.status, stage.actions.undone) == ("cancelled", ["b", "a"])
    assert record.failure is not None
    assert record.failure["message"] == "from the UI"


async def test_run_that_is_marked_as_called_off_turns_back_without_being_woken(stage: Stage) -> None:
    gate = stage.actions.plays["b"] = Gate()
    execution_id = await stage.begin(chain(*NAMES))
    await gate.reached.wait()
    await stage.rows.mark_cancelled(execution_id, "marked")  # and whoever marked it died
    gate.opened.set()
    record = await stage.end(execution_id)
    assert (record.status, record.cancel_reason) == ("cancelled", "marked")
    assert stage.actions.undone[-2:] == ["b", "a"]


@pytest.mark.parametrize("step", [{"action": "noop"}, {"action": "do", "params": {}}])
async def test_run_that_is_called_off_before_it_has_a_row_is_marked_when_it_has_one(
    client: Client, sqlite_url: str, step: dict[str, Any]
) -> None:
    async with open_stage(client, sqlite_url, at_work=False) as stage:
        execution_id = await stage.begin({"steps": [{"id": "a", **step}]})
        assert (await stage.control.cancel(execution_id, "first")).reason == "first"
        async with stage.hire():
            record = await stage.end(execution_id)
        assert (record.status, record.cancel_reason, stage.actions.done) == ("cancelled", "first", [])
        assert (await stage.control.cancel(execution_id, "second")).reason == "first"


async def test_run_that_was_called_off_in_its_last_step_does_not_complete(stage: Stage) -> None:
    gate = stage.actions.plays["c"] = Gate()
    execution_id = await stage.begin(chain(*NAMES))
    await gate.reached.wait()
    await stage.rows.mark_cancelled(execution_id, "marked")
    gate.opened.set()
    record = await stage.end(execution_id)
    assert (record.status, stage.actions.undone) == ("cancelled", ["c", "b", "a"])
    assert {step.step_id: step.view for step in record.steps} == dict.fromkeys(NAMES, "compensated")


async def test_effect_that_comes_although_it_was_called_off_is_undone_with_its_result(stage: Stage) -> None:
    reached, undone = asyncio.Event(), []

    async def stubborn(call: ActionCall) -> Any:
        if call.undo:
            undone.append(call.params["undo"]["result"])
            return None
        reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    stage.actions.plays |= {"a": stubborn, "undo a": stubborn}
    execution_id = await stage.begin(chain("a"))
    await reached.wait()
    await stage.control.cancel(execution_id, "stop")
    assert (await stage.end(execution_id)).status == "cancelled"
    assert undone == ["late"]


async def test_run_that_has_ended_cannot_be_called_off_held_or_woken(stage: Stage) -> None:
    record = await stage.play(chain("a"))
    for attempt in (
        stage.control.cancel(record.execution_id, "late"),
        stage.control.pause(record.execution_id),
        stage.control.resume(record.execution_id),
        stage.control.signal(record.execution_id, "x"),
        stage.control.retry_compensation(record.execution_id, "a"),
    ):
        with pytest.raises(Conflict, match="completed"):
            await attempt


async def test_paused_run_starts_nothing_until_it_goes_on(stage: Stage) -> None:
    gate = stage.actions.plays["a"] = Gate()
    execution_id = await stage.begin({**chain(*NAMES), "timeout": "2s"})
    await gate.reached.wait()
    assert (await stage.control.pause(execution_id)).status == "paused"
    assert (await stage.control.pause(execution_id)).status == "paused"
    gate.opened.set()
    await stage.rows.until(saved("a", "success"))
    assert (await stage.gateway.get(execution_id)).status == "paused"
    assert stage.actions.done == ["a"]
    assert (await stage.control.resume(execution_id)).status == "running"
    assert (await stage.end(execution_id)).status == "completed"


async def test_undo_that_fails_for_good_waits_for_an_operator_who_gives_it_up(stage: Stage) -> None:
    stage.actions.plays |= {"c": refuse, "undo b": refuse}
    execution_id = await stage.begin(chain(*NAMES))
    await stage.rows.until_status("needs_attention")
    assert stage.actions.undone == ["c", "a"]
    with pytest.raises(Conflict, match="no undo of 'a' waits"):
        await stage.control.write_off(execution_id, "a", by="ada", reason="gone")
    await stage.control.write_off(execution_id, "b", by="ada", reason="paid by hand")
    record = await stage.end(execution_id)
    assert record.status == "compensated"
    assert [(undo.step_id, undo.status, undo.written_off) for undo in record.undos] == [
        ("c", "done", None),
        ("b", "written_off", "ada: paid by hand"),
        ("a", "done", None),
    ]


async def test_undo_that_failed_for_good_is_tried_again_by_an_operator(stage: Stage) -> None:
    async def first_no(_call: ActionCall) -> Any:
        if len([call for call in stage.actions.calls if call.undo and call.step_id == "b"]) == 1:
            raise refusal("frozen")

    stage.actions.plays |= {"c": refuse, "undo b": first_no}
    execution_id = await stage.begin(chain(*NAMES))
    await stage.rows.until_status("needs_attention")
    record = await stage.gateway.get(execution_id)
    assert [undo.error for undo in record.undos if undo.status == "failed"] == [
        {"code": "frozen", "message": "the answer is no"}
    ]
    await stage.control.retry_compensation(execution_id, "b")
    assert (await stage.end(execution_id)).status == "compensated"
    assert stage.actions.undone == ["c", "a", "b"]


async def test_undo_that_is_shaky_is_tried_until_it_succeeds_whoever_cancels(stage: Stage) -> None:
    async def shaky(_call: ActionCall) -> Any:
        if len([call for call in stage.actions.calls if call.undo and call.step_id == "b"]) < 4:
            raise ConnectionError("the network is down")

    stage.actions.plays |= {"c": refuse, "undo b": shaky}
    execution_id = await stage.begin(chain(*NAMES))
    await stage.rows.until_status("compensating")
    await stage.client.get_workflow_handle(execution_id).cancel()
    assert (await stage.end(execution_id)).status == "compensated"
    assert stage.actions.undone == ["c", "b", "a"]


async def test_held_run_goes_on_with_edited_data(stage: Stage) -> None:
    async def strict(call: ActionCall) -> Any:
        if call.params["n"] < 5:
            raise refusal()
        return "fine"

    stage.actions.plays["b"] = strict
    body = {**chain("a", "b", params={"n": "${n}"}), "failurePolicy": "hold", "output": "${b}"}
    execution_id = await stage.begin(body, input={"n": 1})
    await stage.rows.until_status("needs_attention")
    with pytest.raises(Conflict, match="is kept"):
        await stage.retries.retry(execution_id, RetryWish(step="a"))
    await stage.retries.retry(execution_id, RetryWish(step="b", values={"n": 7}))
    record = await stage.end(execution_id)
    assert (record.status, record.output) == ("completed", "fine")
    assert [call.step_id for call in stage.actions.calls] == ["a", "b", "b"]


@pytest.mark.parametrize("by", ["compensate", "cancel"])
async def test_held_run_is_undone_when_an_operator_says_so(stage: Stage, by: str) -> None:
    stage.actions.plays["b"] = refuse
    execution_id = await stage.begin({**chain("a", "b"), "failurePolicy": "hold"})
    await stage.rows.until_status("needs_attention")
    if by == "compensate":
        await stage.control.compensate(execution_id)
    else:
        await stage.control.cancel(execution_id, "enough")
    record = await stage.end(execution_id)
    assert record.status == {"compensate": "compensated", "cancel": "cancelled"}[by]
    assert stage.actions.undone == ["b", "a"]


async def test_called_off_again_before_it_has_a_row_the_first_reason_counts(client: Client, sqlite_url: str) -> None:
    async with open_stage(client, sqlite_url, at_work=False) as stage:
        execution_id = await stage.begin(chain(*NAMES))
        first = await stage.control.cancel(execution_id, "changed my mind")
        assert (first.status, first.reason) == ("pending", "changed my mind")
        assert await stage.control.cancel(execution_id, "another reason") == first
        async with stage.hire():
            record = await stage.end(execution_id)
        assert (record.status, record.failure and record.failure["message"]) == ("cancelled", "changed my mind")
        assert (await stage.control.cancel(execution_id, "a third one")).reason == "changed my mind"


async def test_run_goes_on_with_another_worker(client: Client, sqlite_url: str) -> None:
    async with open_stage(client, sqlite_url, at_work=False) as stage:
        gate = stage.actions.plays["b"] = Gate()
        execution_id = await stage.begin(chain(*NAMES))
        assert (await stage.gateway.get(execution_id)).status == "pending"
        async with stage.hire():
            await gate.reached.wait()
            await stage.control.pause(execution_id)
            gate.opened.set()
            await stage.rows.until(saved("b", "success"))
        async with stage.hire():
            await stage.control.resume(execution_id)
            assert (await stage.end(execution_id)).status == "completed"
        assert stage.actions.done == ["a", "b", "c"]


async def test_long_run_goes_on_in_another_one_of_temporals(client: Client, sqlite_url: str) -> None:
    options = replace(OPTIONS, longest_history=40)
    async with open_stage(client, sqlite_url, options=options) as stage:
        names = [f"s{number}" for number in range(20)]
        stage.actions.plays["s19"] = refuse
        execution_id = await stage.begin({**chain(*names), "timeout": "1h"})
        first = await client.get_workflow_handle(execution_id).describe()
        record = await stage.end(execution_id)
        assert (await client.get_workflow_handle(execution_id).describe()).run_id != first.run_id
        assert record.status == "compensated"
        assert stage.actions.undone == list(reversed(names))
        assert [step.view for step in record.steps] == ["compensated"] * 20
        assert len(stage.actions.calls) == 40
        assert len({call.key for call in stage.actions.calls}) == 40


async def test_run_that_waits_for_long_keeps_its_time_when_it_goes_on_elsewhere(
    client: Client, sqlite_url: str
) -> None:
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, longest_history=12)) as stage:
        body = chain("a", "b", "c")
        body["steps"].append({"id": "w", "action": "wait", "params": {"event": "go", "timeout": "1h"}})
        execution_id = await stage.begin({**body, "output": "${w}"})
        await stage.rows.until(saved("c", "success"))
        await stage.control.signal(execution_id, "go", 5)
        record = await stage.end(execution_id)
        assert (record.status, record.output) == ("completed", 5)


async def test_wait_for_a_run_ends_when_the_process_drains(warm: Stage) -> None:
    gate = warm.actions.plays["a"] = Gate()
    execution_id = await warm.begin(chain("a"))
    waiting = asyncio.create_task(warm.gateway.wait(execution_id, 3600))
    await gate.reached.wait()
    await warm.rows.until_status("running")
    warm.gateway.close()
    assert (await waiting).status == "running"
    assert (await warm.gateway.wait(execution_id, 3600)).status == "running"
    gate.opened.set()
    await warm.end(execution_id)


async def test_wait_for_a_run_that_was_started_just_now_reads_it_once(
    warm: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, asked = warm.reads.get, list[str]()

    async def counted(execution_id: str) -> RunRecord | None:
        asked.append(execution_id)
        return await get(execution_id)

    monkeypatch.setattr(warm.reads, "get", counted)
    execution_id = await warm.begin(chain("a"))
    record = await warm.gateway.wait(execution_id, 60, is_new=True)
    assert (record.status, asked) == ("completed", [execution_id])
