"""Runs on a real Temporal: what the interpreter's own tests see of its decisions, carried out."""

from typing import Any

from temporalio.client import Client

from flowforge.engine.actions.contract import ActionAnswer, ActionCall, WaitAnswer
from tests.workflow.engine.stage import Gate, Stage, open_stage, refusal

UNDO = {"action": "undo"}


def chain(*names: str, undo: bool = True, **last: Any) -> dict[str, Any]:
    """Steps one after the other."""
    steps: list[dict[str, Any]] = []
    for name in names:
        steps.append({"id": name, "action": "do", "dependsOn": [steps[-1]["id"]] if steps else []})
        if undo:
            steps[-1]["compensation"] = UNDO
    steps[-1] |= last
    return {"steps": steps}


async def refuse(_call: ActionCall) -> Any:
    raise refusal()


async def test_run_of_steps_completes_with_its_output(stage: Stage) -> None:
    body = {**chain("a", "b"), "output": {"a": "${a.did}", "who": "${name}"}}
    record = await stage.play(body, input={"name": "ada"}, metadata={"team": "x"})
    assert record.status == "completed"
    assert record.output == {"a": "a", "who": "ada"}
    assert {step.step_id: (step.view, step.attempts) for step in record.steps} == {
        "a": ("success", 1),
        "b": ("success", 1),
    }
    assert stage.actions.done == ["a", "b"]
    assert record.metadata == {"team": "x"}


async def test_failing_run_is_undone_in_reverse(stage: Stage) -> None:
    stage.actions.plays["c"] = refuse
    record = await stage.play(chain("a", "b", "c"))
    assert record.status == "compensated"
    assert stage.actions.undone == ["c", "b", "a"]
    assert record.failure == {"kind": "failed", "code": "no", "message": "the answer is no", "step": "c"}
    assert [(undo.step_id, undo.status) for undo in record.undos] == [("c", "done"), ("b", "done"), ("a", "done")]
    undo = next(call for call in stage.actions.calls if call.undo and call.step_id == "b")
    assert undo.params["undo"]["result"] == {"did": "b"}
    assert undo.key == f"{undo.params['undo']['key']}:undo"


async def test_failing_run_without_undo_ends_failed(stage: Stage) -> None:
    stage.actions.plays["a"] = refuse
    record = await stage.play(chain("a", undo=False))
    assert (record.status, [step.view for step in record.steps]) == ("failed", ["failed"])


async def test_fault_is_tried_again_with_the_same_key(stage: Stage) -> None:
    async def shaky(_call: ActionCall) -> Any:
        if len(stage.actions.calls) < 3:
            raise ConnectionError("the network is down")
        return 1

    stage.actions.plays["a"] = shaky
    record = await stage.play(chain("a"))
    assert record.status == "completed"
    assert len({call.key for call in stage.actions.calls}) == 1
    assert len(stage.actions.calls) == 3


async def test_step_whose_attempts_are_used_up_fails(stage: Stage) -> None:
    async def broken(_call: ActionCall) -> Any:
        raise ConnectionError("the network is down")

    stage.actions.plays["a"] = broken
    body = chain("a", retryPolicy={"maxAttempts": 2, "initialDelay": "1ms"})
    record = await stage.play(body)
    assert record.status == "compensated"
    assert len([call for call in stage.actions.calls if not call.undo]) == 2


async def test_step_that_takes_too_long_times_out_and_is_undone(stage: Stage) -> None:
    stage.actions.plays["a"] = Gate()
    record = await stage.play(chain("a", timeout="300ms"))
    assert record.failure is not None
    assert (record.status, record.failure["code"]) == ("compensated", "step_timeout")
    assert stage.actions.undone == ["a"]


async def test_deadline_undoes_the_run(stage: Stage) -> None:
    stage.actions.plays["b"] = Gate()
    record = await stage.play({**chain("a", "b"), "timeout": "700ms"})
    assert record.failure is not None
    assert (record.status, record.failure["kind"]) == ("compensated", "deadline")
    assert stage.actions.undone == ["b", "a"]


async def test_effect_free_step_runs_within_the_workflow_task(stage: Stage) -> None:
    body = {"steps": [{"id": "a", "action": "free"}, {"id": "b", "action": "do", "dependsOn": ["a"]}]}
    execution_id = await stage.begin(body)
    await stage.end(execution_id)
    history = await stage.client.get_workflow_handle(execution_id).fetch_history()
    scheduled = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    assert len(scheduled) == 1


async def test_condition_branch_and_items_go_the_ways_of_the_interpreter(stage: Stage) -> None:
    async def double(call: ActionCall) -> Any:
        return call.params["n"] * 2

    stage.actions.plays["double"] = double
    stage.actions.plays["bad"] = refuse
    body = {
        "steps": [
            {
                "id": "each",
                "action": "double",
                "forEach": {"items": "${list}", "as": "n", "concurrency": 2},
                "params": {"n": "${n}"},
            },
            {"id": "no", "action": "do", "condition": "each.length > 5", "dependsOn": ["each"]},
            {"id": "bad", "action": "do", "onError": "branch", "errorBranch": "mend"},
            {"id": "mend", "action": "do"},
        ],
        "output": "${each}",
    }
    record = await stage.play(body, input={"list": [1, 2, 3]})
    assert (record.status, record.output) == ("completed", [2, 4, 6])
    assert {step.step_id: (step.view, step.attempts) for step in record.steps} == {
        "each": ("success", 3),
        "no": ("skipped", 0),
        "bad": ("failed", 1),
        "mend": ("success", 1),
    }


async def test_conditions_that_take_seconds_together_do_not_hold_a_run_up(client: Client, sqlite_url: str) -> None:
    condition = "list.includes('z') || " * 100 + "true"
    steps = [{"id": f"s{n}", "action": "noop", "condition": condition} for n in range(150)]
    async with open_stage(client, sqlite_url) as stage:
        record = await stage.play({"steps": steps}, input={"list": ["a"] * 190})
    assert (record.status, {step.view for step in record.steps}) == ("completed", {"success"})


async def test_items_are_undone_one_by_one(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    body = {
        "steps": [
            {"id": "a", "action": "do", "forEach": {"items": [1, 2, 3]}, "compensation": UNDO},
            {"id": "b", "action": "do", "dependsOn": ["a"]},
        ]
    }
    assert (await stage.play(body)).status == "compensated"
    assert stage.actions.undone == ["a[2]", "a[1]", "a[0]"]
    assert len({call.key for call in stage.actions.calls}) == 7


async def test_state_machine_loops(stage: Stage) -> None:
    async def count(call: ActionCall) -> Any:
        return {"n": call.visit}

    stage.actions.plays["do"] = count
    body = {
        "initialStepId": "a",
        "steps": {
            "a": {"type": "do", "config": {}, "transitions": [{"condition": "a.n < 3", "to": "a"}, {"to": None}]}
        },
    }
    record = await stage.play(body)
    assert [(step.step_id, step.visit, step.result) for step in record.steps] == [("a", 3, {"n": 3})]


async def test_answer_that_is_too_large_fails_the_step_and_not_the_run(stage: Stage) -> None:
    async def much(_call: ActionCall) -> Any:
        return "x" * 300_000

    stage.actions.plays["a"] = much
    record = await stage.play(chain("a"))
    assert record.failure is not None
    assert (record.status, record.failure["code"]) == ("compensated", "result_too_large")
    assert stage.actions.undone == ["a"]


async def test_large_results_of_many_steps_do_not_kill_the_run(stage: Stage) -> None:
    async def much(_call: ActionCall) -> Any:
        return "x" * 250_000

    stage.actions.plays["do"] = much
    steps: list[dict[str, Any]] = [{"id": f"s{n}", "action": "do", "params": {}} for n in range(12)]
    steps.append({"id": "last", "action": "end", "params": {"x": "${s3}"}, "dependsOn": [step["id"] for step in steps]})
    record = await stage.play({"steps": steps})
    assert record.status == "completed"
    assert len(record.steps) == 13


async def test_action_that_waits_is_woken_by_its_time(stage: Stage) -> None:
    async def wait(_call: ActionCall) -> Any:
        return ActionAnswer(wait=WaitAnswer(timeout_ms=50, reason="soon"))

    stage.actions.plays["a"] = wait
    assert (await stage.play(chain("a"))).status == "completed"


async def test_run_that_waits_tells_for_what_and_takes_the_event(stage: Stage) -> None:
    wait = {"id": "w", "action": "wait", "params": {"event": "approved", "timeout": "1h", "reason": "ada decides"}}
    execution_id = await stage.begin({"steps": [wait], "output": "${w}"})
    await stage.rows.until_status("waiting")
    record = await stage.gateway.get(execution_id)
    assert [(each["step_id"], each["event"], each["reason"]) for each in record.waiting] == [
        ("w", "approved", "ada decides")
    ]
    assert record.waiting[0]["wake_at"] is not None
    await stage.control.signal(execution_id, "approved", {"by": "ada"})
    assert (await stage.end(execution_id)).output == {"by": "ada"}


async def test_event_that_does_not_come_in_time_fails_its_step(stage: Stage) -> None:
    wait = {"id": "w", "action": "wait", "params": {"event": "approved", "timeout": "100ms"}}
    record = await stage.play({"steps": [wait]})
    assert record.failure is not None
    assert (record.status, record.failure["code"]) == ("failed", "event_timeout")


async def test_step_that_is_to_wait_first_waits(stage: Stage) -> None:
    record = await stage.play(chain("a", wait="100ms"))
    assert record.status == "completed"
    views = [event.status for event in await stage.reads.events(record.execution_id, limit=99) if event.step_id]
    assert views == ["waiting", "running", "success"]
