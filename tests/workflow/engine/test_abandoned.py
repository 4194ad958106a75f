"""A run whose workflow is gone is undone by another one, from what its row holds; one that has a workflow is left."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.audit import audit
from flowforge.engine.idempotency import unwinding_id
from flowforge.engine.lost import find_lost
from flowforge.engine.reconciling import WatchedRuns
from flowforge.engine.retries import RetryWish
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict
from flowforge.reconciling.reconciler import Reconciler, Turn
from flowforge.reconciling.sweeps import Sweep
from tests.workflow.engine.stage import OPTIONS, REPLAYER, Gate, Stage, open_stage, refusal, saved
from tests.workflow.engine.test_runs import UNDO, chain

LONG = timedelta(minutes=5)


@pytest.fixture
async def stage(client: Client, database_url: str) -> AsyncIterator[Stage]:
    """A stage for one test, on either database."""
    async with open_stage(client, database_url) as stage:
        yield stage


def reconciler(stage: Stage, **how: Any) -> Reconciler:
    """Return a reconciler of its own process, which takes a run for still at once."""
    watched = [WatchedRuns(stage.database, launcher=stage.launcher, options=OPTIONS, silence_s=0.1)]
    known = {"interval": LONG, "still_after": timedelta(0), "holder": str(uuid.uuid4())}
    return Reconciler(stage.client, stage.database, watched, **{**known, **how})


async def turn(stage: Stage) -> Turn:
    """Take a turn."""
    taken = await reconciler(stage, interval=timedelta(0)).turn()
    assert taken is not None
    return taken


async def unwound(stage: Stage, run: str, *, code: str = "abandoned") -> RunRecord:
    """Wait until a run is undone from outside; see that row, history and Temporal agree, and that it replays."""
    handle = stage.client.get_workflow_handle(unwinding_id(run))
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    cause = caught.value.cause
    assert (cause.type if isinstance(cause, ApplicationError) else "cancelled") == code, cause
    await REPLAYER.replay_workflow(await handle.fetch_history())
    record = await stage.reads.get(run)
    assert record is not None
    assert record.failure is not None
    assert record.failure["code"] == code
    events = await stage.reads.events(run, limit=10_000)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert events[-1].status == record.status
    assert {undo.status for undo in record.undos} <= {"done", "not_needed", "written_off"}
    assert [finding for finding in await stage.database.read(audit) if finding.is_violation] == []
    return record


async def terminated(stage: Stage, body: dict[str, Any], at: str, **wishes: Any) -> tuple[str, Gate]:
    """Start a run, and terminate its workflow when it has come to an action (or an undo)."""
    gate = stage.actions.plays[at] = Gate()
    run = await stage.begin(body, **wishes)
    await gate.reached.wait()
    await stage.client.get_workflow_handle(run).terminate("by hand")
    return run, gate


@pytest.mark.parametrize("at", ["a", "b", "c"])
async def test_terminated_during_a_step_run_is_undone_with_what_its_steps_gave(stage: Stage, at: str) -> None:
    body = chain("a", "b", "c")
    for step in body["steps"]:
        params = {"result": "${undo.result}", "who": "${name}"} | ({} if step["id"] == "a" else {"first": "${a.did}"})
        step["compensation"] = {"action": "undo", "params": params}
    run, gate = await terminated(stage, body, at, input={"name": "ada"})
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run)
    gate.opened.set()
    begun = ["a", "b", "c"][: "abc".index(at) + 1]
    assert record.status == "compensated"
    assert stage.actions.undone == begun[::-1]
    undos = {call.step_id: call for call in stage.actions.calls if call.undo}
    for step in begun:
        assert undos[step].params["result"] == (None if step == at else {"did": step})
        assert (undos[step].params["who"], undos[step].params.get("first", "a")) == ("ada", "a")
        assert undos[step].key == f"{run}:1:{step}:1:undo"
    assert [(step.view, step.attempts) for step in record.steps if step.step_id != at] == [("compensated", 1)] * (
        len(begun) - 1
    )


@pytest.mark.parametrize("at", ["undo c", "undo b", "undo a"])
async def test_terminated_during_an_undo_run_goes_on_with_it_and_ends_for_its_first_reason(
    stage: Stage, at: str
) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays["c"] = refuse
    run, gate = await terminated(stage, chain("a", "b", "c"), at)
    assert (await turn(stage)).unwound == [run]
    gate.opened.set()
    record = await unwound(stage, run, code="no")
    assert record.status == "compensated"
    keys = [call.key for call in stage.actions.calls if call.undo]
    assert list(dict.fromkeys(keys)) == [f"{run}:1:{step}:1:undo" for step in "cba"]
    assert len(keys) == 4, "the one that was under way is asked for again, with its key"


async def test_terminated_when_it_was_called_off_run_ends_cancelled(stage: Stage) -> None:
    run, gate = await terminated(stage, chain("a", "b"), "b")
    await stage.control.cancel(run, "changed my mind")
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run, code="cancelled")
    gate.opened.set()
    assert (record.status, record.failure and record.failure["message"]) == ("cancelled", "changed my mind")
    assert stage.actions.undone == ["b", "a"]


async def test_terminated_without_anything_to_undo_run_ends_failed(stage: Stage) -> None:
    run, gate = await terminated(stage, chain("a", "b", undo=False), "b")
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run)
    gate.opened.set()
    assert (record.status, [step.view for step in record.steps]) == ("failed", ["success", "failed"])
    assert record.steps[0].result == {"did": "a"}


async def test_abandoned_run_that_changed_nothing_starts_over(stage: Stage) -> None:
    body = chain("a", "b", undo=False)
    for step in body["steps"]:
        step["action"] = "free"
    run, gate = await terminated(stage, body, "b")
    assert (await turn(stage)).unwound == [run]
    assert (await unwound(stage, run)).status == "failed"
    gate.opened.set()
    retried = await stage.retries.retry(run, RetryWish())
    assert (retried.created, retried.generation) == (True, 2)
    assert (await stage.end(run)).status == "completed"


async def test_abandoned_run_that_did_what_nothing_undoes_is_not_begun_again_unasked(stage: Stage) -> None:
    run, gate = await terminated(stage, chain("a", "b", undo=False), "b")
    assert (await turn(stage)).unwound == [run]
    await unwound(stage, run)
    gate.opened.set()
    with pytest.raises(Conflict, match="nothing undoes what 'a' may have done"):
        await stage.retries.retry(run, RetryWish())


async def test_terminated_while_it_waits_run_is_undone(stage: Stage) -> None:
    body = chain("a", "b")
    body["steps"][1] |= {"action": "wait", "params": {"event": "go"}}
    del body["steps"][1]["compensation"]
    run = await stage.begin(body)
    await stage.rows.until_status("waiting")
    await stage.client.get_workflow_handle(run).terminate()
    assert (await turn(stage)).unwound == [run]
    await unwound(stage, run)
    assert stage.actions.undone == ["a"]


async def test_terminated_among_items_every_item_that_was_begun_is_undone_with_itself(stage: Stage) -> None:
    step = {
        "id": "each",
        "action": "do",
        "forEach": {"items": "${names}", "as": "name", "concurrency": 2},
        "compensation": {"action": "undo", "params": {"name": "${name}", "result": "${undo.result}"}},
    }
    run, gate = await terminated(stage, {"steps": [step]}, "each[3]", input={"names": ["p", "q", "r", "s", "t", "u"]})
    await stage.rows.until(lambda save: any(each.name == "each[3]" for each in save.remembered))
    assert (await turn(stage)).unwound == [run]
    await unwound(stage, run)
    gate.opened.set()
    undone = [(call.item, call.params["name"]) for call in stage.actions.calls if call.undo]
    assert [(item, "pqrstu"[item]) for item, _ in undone if item is not None] == undone
    assert [item for item, _ in undone] == sorted((item for item, _ in undone if item is not None), reverse=True)
    assert {0, 1, 2, 3} <= {item for item, _ in undone}


async def test_terminated_with_a_completed_child_the_child_is_undone_too(stage: Stage) -> None:
    child = await stage.definitions.publish(
        '{"id": "kid", "steps": [{"id": "k", "action": "do", "compensation": "u"}]}'
    )
    body = {
        "steps": [
            {"id": "run", "action": "workflow", "params": {"workflowId": child.revision.workflow_id, "input": {}}},
            {"id": "last", "action": "do", "dependsOn": ["run"], "compensation": UNDO},
        ]
    }
    run, gate = await terminated(stage, body, "last")
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run)
    gate.opened.set()
    assert stage.actions.undone == ["last", "k"]
    assert [(undo.step_id, undo.status) for undo in record.undos] == [("last", "done"), ("run", "done")]
    kids = [each for each in await stage.reads.list(limit=5) if each.workflow_id == "kid"]
    assert [kid.status for kid in kids] == ["cancelled"]


async def test_terminated_with_an_open_child_the_child_unwinds_itself(stage: Stage) -> None:
    await stage.definitions.publish('{"id": "kid", "steps": [{"id": "k", "action": "do", "compensation": "u"}]}')
    body = {"steps": [{"id": "run", "action": "workflow", "params": {"workflowId": "kid", "input": {}}}]}
    run, gate = await terminated(stage, body, "k")
    assert run in (await turn(stage)).unwound
    record = await unwound(stage, run)
    gate.opened.set()
    [kid] = [each for each in await stage.reads.list(limit=5) if each.workflow_id == "kid"]
    ended = await stage.end(kid.execution_id)
    assert (record.status, ended.status) == ("compensated", "cancelled")
    assert stage.actions.undone == ["k"]


async def test_workflow_that_undoes_is_terminated_too_another_one_goes_on(stage: Stage) -> None:
    run, gate = await terminated(stage, chain("a", "b"), "b")
    undo = stage.actions.plays["undo a"] = Gate()
    assert (await turn(stage)).unwound == [run]
    await undo.reached.wait()
    assert (await turn(stage)).unwound == []
    assert (await find_lost(stage.client, stage.database)).runs == []
    await stage.client.get_workflow_handle(unwinding_id(run)).terminate()
    assert [lost.name for lost in (await find_lost(stage.client, stage.database)).runs] == [run]
    assert (await turn(stage)).unwound == [run]
    undo.opened.set()
    await unwound(stage, run)
    gate.opened.set()
    assert [call.step_id for call in stage.actions.calls if call.undo] == ["b", "a", "a"]


async def test_workflow_was_not_gone_after_all_the_row_is_the_one_that_undid_it(stage: Stage) -> None:
    """As where Temporal was not lost but only away: both undo with the same keys, and end as the row says."""
    gate = stage.actions.plays["b"] = Gate()
    run = await stage.begin(chain("a", "b", "c"))
    await gate.reached.wait()
    watched = WatchedRuns(stage.database, launcher=stage.launcher, options=OPTIONS)
    record = await stage.reads.get(run)
    assert record is not None
    [still] = await watched.still(Sweep.whole(record.updated_at or record.started_at), after=0, limit=5)
    assert await watched._unwind(stage.client, still)  # what `mend` does where it takes it for gone
    await unwound(stage, run)
    gate.opened.set()
    record = await stage.end(run)
    assert record.status == "compensated"
    assert "c" not in stage.actions.done
    assert len({call.key for call in stage.actions.calls if call.undo}) == 2


async def test_run_with_a_workflow_is_never_touched(stage: Stage) -> None:
    gate = stage.actions.plays["b"] = Gate()
    run = await stage.begin(chain("a", "b"))
    await gate.reached.wait()
    taken = await turn(stage)
    assert (taken.looked_at, taken.has_done_something, taken.failed) == (1, False, [])
    gate.opened.set()
    assert (await stage.end(run)).status == "completed"


async def test_called_off_run_whose_workflow_was_not_told_is_cancelled(stage: Stage) -> None:
    gate = stage.actions.plays["b"] = Gate()
    run = await stage.begin(chain("a", "b"))
    await gate.reached.wait()
    await stage.rows.mark_cancelled(run, "by test")
    assert (await turn(stage)).cancelled == [run]
    assert (await turn(stage)).cancelled == []
    assert (await stage.end(run)).status == "cancelled"


async def test_undo_that_waits_for_an_operator_gets_another_chance(stage: Stage) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays["c"] = stage.actions.plays["undo b"] = refuse
    run = await stage.begin(chain("a", "b", "c"))
    await stage.rows.until_status("needs_attention")
    await stage.client.get_workflow_handle(run).terminate()
    del stage.actions.plays["undo b"]
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run, code="no")
    assert record.status == "compensated"
    assert stage.actions.undone == ["c", "a", "b"]


async def test_undo_that_was_written_off_stays_so_when_its_workflow_is_gone(stage: Stage) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise refusal()

    stage.actions.plays |= dict.fromkeys(("c", "undo b", "undo a"), refuse)
    run = await stage.begin(chain("a", "b", "c"))
    await stage.rows.until_status("needs_attention")
    await stage.control.write_off(run, "b", by="ada", reason="paid by hand")
    await stage.rows.until(lambda save: any(undo.status == "written_off" for undo in save.undos))
    await stage.client.get_workflow_handle(run).terminate()
    del stage.actions.plays["undo a"], stage.actions.plays["undo b"]
    assert (await turn(stage)).unwound == [run]
    record = await unwound(stage, run, code="no")
    assert record.status == "compensated"
    undos = {undo.step_id: (undo.status, undo.written_off) for undo in record.undos}
    assert (undos["a"], undos["b"]) == (("done", None), ("written_off", "ada: paid by hand"))
    assert stage.actions.undone == ["c", "a"]


async def test_run_that_ended_keeps_nothing_of_what_undoing_it_took(stage: Stage) -> None:
    run = await stage.begin(chain("a"))
    await stage.rows.until(saved("a", "running"))
    await stage.end(run)
    counts = await stage.database.read(
        lambda connection: connection.exec_driver_sql("select count(*) from execution_memory").scalar()
    )
    assert counts == 0
