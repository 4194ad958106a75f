"""Values that are too large for a run to carry: kept once, and fetched where they are needed."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.persistence.tables.engine import RUN_VALUES
from tests.workflow.engine.stage import OPTIONS, Stage, open_stage, refusal

LARGE = "x" * 100_000
UNDO = {"action": "undo"}


async def much(call: ActionCall) -> Any:
    return {"of": call.step_id, "text": LARGE, "few": call.visit}


async def refuse(_call: ActionCall) -> Any:
    raise refusal()


async def history_bytes(stage: Stage, execution_id: str) -> int:
    history = await stage.client.get_workflow_handle(execution_id).fetch_history()
    return sum(event.ByteSize() for event in history.events)


async def test_large_result_is_fetched_where_params_name_it_and_is_in_no_history(stage: Stage) -> None:
    stage.actions.plays["much"] = much
    steps: list[dict[str, Any]] = [{"id": "a", "action": "much", "params": {}}]
    for n in range(5):
        steps.append(
            {"id": f"s{n}", "action": "do", "params": {"n": n, "t": "${a.text}"}, "dependsOn": [steps[-1]["id"]]}
        )
    execution = await stage.begin({"steps": steps})
    record = await stage.end(execution)
    assert record.status == "completed"
    assert [call.params for call in stage.actions.calls[1:]] == [{"n": n, "t": LARGE} for n in range(5)]
    assert stage.actions.calls[-1].context["a"]["text"] == LARGE
    assert await history_bytes(stage, execution) < len(LARGE)
    shown = await stage.reads.with_values(record)
    assert {step.step_id: step.result for step in shown.steps}["a"] == {"of": "a", "text": LARGE, "few": 1}


async def test_undo_is_given_the_large_result_that_it_undoes(stage: Stage) -> None:
    stage.actions.plays["much"] = much
    stage.actions.plays["end"] = refuse
    body = {
        "steps": [
            {"id": "a", "action": "much", "params": {}, "compensation": UNDO},
            {
                "id": "b",
                "action": "much",
                "params": {},
                "dependsOn": ["a"],
                "compensation": {"action": "undo", "params": {"of": "${undo.result.of}"}},
            },
            {"id": "c", "action": "end", "params": {}, "dependsOn": ["b"]},
        ]
    }
    record = await stage.play(body)
    assert record.status == "compensated"
    undos = {call.step_id: call for call in stage.actions.calls if call.undo}
    assert undos["b"].params == {"of": "b"}
    assert undos["b"].context["undo"]["result"] == await much(undos["b"])
    assert undos["a"].params["undo"]["result"] == await much(undos["a"])
    assert undos["a"].params["b"]["text"] == LARGE


async def test_questions_over_large_values_are_answered(stage: Stage) -> None:
    async def lists(_call: ActionCall) -> Any:
        return [{"n": n, "text": "y" * 1000} for n in range(40)]

    stage.actions.plays["lists"] = lists
    body = {
        "steps": [
            {"id": "a", "action": "lists", "params": {}},
            {"id": "no", "action": "do", "params": {}, "dependsOn": ["a"], "condition": "a.length > 40"},
            {"id": "yes", "action": "do", "params": {}, "dependsOn": ["a"], "condition": "a[39].n == 39"},
            {
                "id": "bad",
                "action": "do",
                "params": {},
                "dependsOn": ["a"],
                "condition": "a[99].n == 39",
                "onError": "continue",
            },
            {
                "id": "each",
                "action": "do",
                "params": {"n": "${one.n}"},
                "dependsOn": ["a"],
                "forEach": {"items": "${a}", "as": "one", "concurrency": 7},
            },
            {"id": "last", "action": "do", "params": {"did": "${each[39].did}"}, "dependsOn": ["each"]},
        ],
        "output": {"all": "${a}", "each": "${each}"},
    }
    record = await stage.play(body)
    assert record.status == "completed"
    views = {step.step_id: step.view for step in record.steps}
    assert (views["no"], views["yes"], views["bad"]) == ("skipped", "success", "failed")
    assert sorted(call.params["n"] for call in stage.actions.calls if call.step_id == "each") == list(range(40))
    assert next(call for call in stage.actions.calls if call.step_id == "last").params == {"did": "each[39]"}
    shown = await stage.reads.with_values(record)
    assert shown.output["each"] == [{"did": f"each[{n}]"} for n in range(40)]
    assert shown.output["all"][39]["text"] == "y" * 1000


async def test_ways_on_of_a_state_machine_are_chosen_by_large_values(stage: Stage) -> None:
    stage.actions.plays["much"] = much
    ways = [{"condition": "a.few < 3", "to": "a"}, {"to": None}]
    record = await stage.play(
        {"initialStepId": "a", "steps": {"a": {"type": "much", "config": {}, "transitions": ways}}}
    )
    assert [(step.step_id, step.visit) for step in record.steps] == [("a", 3)]


async def test_large_input_is_kept_once_and_shown_whole(stage: Stage) -> None:
    steps = [{"id": f"s{n}", "action": "do", "params": {"t": "${text}", "who": "${who}"}} for n in range(4)]
    execution = await stage.begin({"steps": steps}, input={"who": "ada", "text": LARGE})
    record = await stage.end(execution)
    assert {(call.params["who"], call.params["t"]) for call in stage.actions.calls} == {("ada", LARGE)}
    assert record.input == {"who": "ada", "text": LARGE}
    assert await history_bytes(stage, execution) < len(LARGE)


async def test_large_event_wakes_its_step_and_is_read_by_later_ones(stage: Stage) -> None:
    steps = [
        {"id": "wait", "action": "wait", "params": {"event": "go"}},
        {"id": "after", "action": "do", "params": {"t": "${wait.text}"}, "dependsOn": ["wait"]},
    ]
    execution = await stage.begin({"steps": steps})
    await stage.rows.until_status("waiting")
    await stage.control.signal(execution, "go", {"text": LARGE})
    await stage.end(execution)
    assert stage.actions.calls[-1].params == {"t": LARGE}


async def test_large_output_of_a_child_is_read_by_its_parent(stage: Stage) -> None:
    stage.actions.plays["much"] = much
    child = await stage.definitions.publish(
        '{"id": "large-child", "steps": [{"id": "a", "action": "much", "params": {"t": "${text}"}}], "output": "${a}"}'
    )
    params = {"workflowId": child.revision.workflow_id, "input": {"text": "${text}"}}
    steps = [
        {"id": "run", "action": "workflow", "params": params},
        {"id": "after", "action": "do", "params": {"t": "${run.text}"}, "dependsOn": ["run"]},
    ]
    record = await stage.play({"steps": steps}, input={"text": LARGE})
    assert record.status == "completed"
    assert [call.params["t"] for call in stage.actions.calls] == [LARGE, LARGE]


async def test_step_without_params_is_given_references_where_all_values_are_too_many(stage: Stage) -> None:
    stage.actions.plays["much"] = much
    steps: list[dict[str, Any]] = [{"id": f"s{n}", "action": "much", "params": {}} for n in range(12)]
    names = [step["id"] for step in steps]
    record = await stage.play({"steps": [*steps, {"id": "last", "action": "do", "dependsOn": names}]})
    assert record.status == "completed"
    given = stage.actions.calls[-1].params
    assert given["s3"].keys() == {"$ref", "size"}


async def test_run_that_carries_much_shows_it_and_is_undone_with_it(http: httpx2.AsyncClient, warm: Stage) -> None:
    """Its own measure, 500 times 256 KiB, is in the engine's benchmark."""
    whole = "z" * (256 * 1024 - 2)

    async def most(_call: ActionCall) -> Any:
        return whole

    undone: dict[str, int] = {}

    async def undo(call: ActionCall) -> Any:
        undone[call.step_id] = len(call.context["undo"]["result"])

    warm.actions.plays |= {"most": most, "undo": undo, "end": refuse}
    steps: list[dict[str, Any]] = [
        {"id": f"s{n}", "action": "most", "compensation": {"action": "undo", "params": {}}} for n in range(30)
    ]
    steps.append({"id": "end", "action": "end", "params": {}, "dependsOn": [step["id"] for step in steps]})
    execution = await warm.begin({"steps": steps})
    record = await warm.end(execution)
    assert record.status == "compensated"
    assert undone == {f"s{n}": len(whole) for n in range(30)}
    shown = (await http.get(f"/executions/{execution}")).json()["stepResults"]
    kept = [step["result"] for step in shown.values() if isinstance(step["result"], dict)]
    assert sum(step["result"] == whole for step in shown.values()) == 16
    assert len(kept) == 14
    assert (await http.get(kept[0]["$ref"])).json() == whole
    assert (await http.get(f"/executions/{execution}/results/end")).status_code == 404


async def test_what_was_kept_first_stays(warm: Stage) -> None:
    values = warm.actions.filler
    call = ActionCall(
        execution_id="exec-1",
        workflow_id="w",
        revision=1,
        step_id="a",
        action="do",
        key="k",
        keep_as="exec-1:1:a:1",
        inline_bytes=0,
    )
    first = await values.kept(call, ActionAnswer(result="first"))
    second = await values.kept(call, ActionAnswer(result="the second one"))
    assert first.stored == second.stored
    assert await warm.database.read(lambda c: c.execute(select(func.count()).select_from(RUN_VALUES)).scalar()) == 1


async def test_wait_whose_params_read_a_large_value_waits_as_it_says(stage: Stage) -> None:
    async def pause(call: ActionCall) -> Any:
        return {**await much(call), "pause": "1ms"}

    stage.actions.plays["pause"] = pause
    wait = {"id": "w", "action": "delay", "params": {"duration": "${a.pause}"}, "dependsOn": ["a"]}
    record = await stage.play({"steps": [{"id": "a", "action": "pause", "params": {}}, wait]})
    assert record.status == "completed"


@pytest.mark.parametrize("fails", [False, True])
async def test_long_list_goes_on_in_another_run_of_temporals(
    client: Client, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    monkeypatch.setattr("flowforge.engine.packing._SMALL_BYTES", 0)  # as of ten thousand items
    options = replace(OPTIONS, longest_history=80)
    count = 40

    async def one(call: ActionCall) -> Any:
        return {"n": call.params["n"] * 2}

    undone: list[tuple[Any, Any]] = []

    async def undo(call: ActionCall) -> Any:
        undone.append((call.params["n"], call.params["was"]))

    each = {"items": "${list}", "as": "one", "concurrency": 10}
    back = {"action": "undo", "params": {"n": "${one.n}", "was": "${undo.result.n}"}}
    body = {
        "steps": [
            {"id": "each", "action": "one", "params": {"n": "${one.n}"}, "forEach": each, "compensation": back},
            {"id": "last", "action": "end", "params": {"of": "${each[7].n}"}, "dependsOn": ["each"]},
        ]
    }
    async with open_stage(client, sqlite_url, options=options) as stage:
        stage.actions.plays |= {"one": one, "undo": undo} | ({"end": refuse} if fails else {})
        given = {"list": [{"n": n, "text": "y" * 300} for n in range(count)]}
        execution = await stage.begin(body, input=given)
        record = await stage.end(execution)
        assert record.status == ("compensated" if fails else "completed")
        described = await client.get_workflow_handle(execution).describe()
        assert described.raw_description.workflow_execution_info.first_run_id != described.run_id
        assert described.history_length < 400
        assert next(call for call in stage.actions.calls if call.step_id == "last").params == {"of": 14}
        assert sorted(undone) == ([(n, n * 2) for n in range(count)] if fails else [])
        (found,) = (step for step in (await stage.reads.with_values(record)).steps if step.step_id == "each")
        assert found.result == [{"n": n * 2} for n in range(count)]
        assert found.attempts == count
        assert len(await stage.reads.events(execution, limit=1000)) < 20
