"""Runs that are begun again, on a real Temporal and either database."""

import asyncio
from typing import Any

import httpx2
import pytest

from flowforge.engine.contracts import Carried
from flowforge.engine.retries import RetryWish, RunRetries
from flowforge.engine.store.again import RunRests
from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.stage import Gate, PlayedEffects, Stage
from tests.workflow.engine.test_runs import chain, refuse

PLAIN = {"id": "pair", **chain("a", "b", undo=False), "output": "${b.did}"}


async def ended(http: httpx2.AsyncClient, warm: Stage, execution_id: str, start: int = 1) -> dict[str, Any]:
    """Return a run after its start has come to its end."""
    name = execution_id if start == 1 else f"{execution_id}~{start}"
    await asyncio.wait([asyncio.ensure_future(warm.client.get_workflow_handle(name).result())])
    await warm.end(execution_id)
    run: dict[str, Any] = (await http.get(f"/executions/{execution_id}")).json()
    return run


def calls(warm: Stage, step: str, *, undo: bool = False) -> list[str]:
    return [call.key for call in warm.actions.calls if (call.step_id, call.undo) == (step, undo)]


async def test_failed_run_goes_on_from_its_failed_step_under_its_own_id(http: httpx2.AsyncClient, warm: Stage) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, PLAIN)
    name = await start(http, context={"n": 1}, timeout="1h")
    assert (await ended(http, warm, name))["status"] == "failed"
    del warm.actions.plays["b"]
    wish = {"context": {"n": 2, "more": 3}}
    response = await http.post(f"/executions/{name}/retry", json=wish)
    assert (response.status_code, response.json()["executionId"]) == (201, name), response.text
    run = await ended(http, warm, name, 2)
    assert (run["status"], run["generation"], run["output"], run["error"]) == ("completed", 1, "b", None)
    assert (run["context"]["n"], run["context"]["more"], run["input"]) == (2, 3, {"n": 1})
    assert run["temporalUrl"].endswith(f"/{name}~2")
    assert len(calls(warm, "a")) == 1, "what succeeded is kept"
    assert calls(warm, "b") == [f"{name}:1:b:1", f"{name}:1:b:2"], "a refusal is visited anew"
    assert warm.actions.calls[-1].context["n"] == 2
    history = [(each["stepId"], each["status"]) for each in (await http.get(f"/executions/{name}/history")).json()]
    assert history[-5:] == [
        (None, "failed"),
        ("b", "running"),
        (None, "running"),
        ("b", "success"),
        (None, "completed"),
    ]
    again = await http.post(f"/executions/{name}/retry", json=wish)
    assert (again.status_code, "completed" in again.json()["detail"]) == (409, True)


async def test_compensated_run_starts_over_with_new_keys_and_its_old_undos_stay(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http)
    name = await start(http)
    assert (await ended(http, warm, name))["status"] == "compensated"
    assert (await http.post(f"/executions/{name}/retry", json={"fromStep": "b"})).json()["errors"][0][
        "code"
    ] == "starts_over"
    run: dict[str, Any] = {}
    for generation in (2, 3):
        retried = await http.post(f"/executions/{name}/retry", json={})
        assert (retried.status_code, retried.json()["generation"]) == (201, generation)
        if generation == 3:
            del warm.actions.plays["b"]
        run = await ended(http, warm, name, generation)
        assert run["generation"] == generation
    assert (run["status"], run["completedSteps"]) == ("completed", ["a", "b"])
    assert calls(warm, "a") == [f"{name}:{generation}:a:1" for generation in (1, 2, 3)]
    assert len(set(calls(warm, "a", undo=True))) == 2
    assert [(undo["generation"], undo["name"], undo["status"]) for undo in run["compensations"]] == [
        (2, "b", "done"),
        (2, "a", "done"),
        (1, "b", "done"),
        (1, "a", "done"),
    ]
    messages = [each["message"] for each in (await http.get(f"/executions/{name}/history")).json()]
    assert [message for message in messages if "generation" in message] == [
        "starts over, generation 2",
        "starts over, generation 3",
    ]


async def test_run_that_was_called_off_is_not_called_off_any_more_when_it_starts_over(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    gate = warm.actions.plays["b"] = Gate()
    await publish(http)
    name = await start(http)
    await gate.reached.wait()
    await http.post(f"/executions/{name}/cancel", json={"reason": "no"})
    assert (await ended(http, warm, name))["status"] == "cancelled"
    gate.opened.set()
    assert (await http.post(f"/executions/{name}/retry", json={})).status_code == 201
    run = await ended(http, warm, name, 2)
    assert (run["status"], run["cancelReason"]) == ("completed", None)


async def test_racers_begin_a_run_again_once_and_a_repeat_changes_nothing(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, PLAIN)
    name = await start(http)
    assert (await http.post(f"/executions/{name}/retry", json={})).status_code == 409
    await ended(http, warm, name)
    gate = warm.actions.plays["b"] = Gate()
    answers = await asyncio.gather(*(http.post(f"/executions/{name}/retry", json={}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    await gate.reached.wait()
    assert (await http.post(f"/executions/{name}/retry", json={})).status_code == 200
    other = await http.post(f"/executions/{name}/retry", json={"fromStep": "b"})
    assert (other.status_code, "running" in other.json()["detail"]) == (409, True)
    gate.opened.set()
    assert (await ended(http, warm, name, 2))["status"] == "completed"
    assert len(calls(warm, "b")) == 2


async def test_run_that_another_one_had_begin_again_while_it_was_looked_up_is_answered_as_a_repeat(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, PLAIN)
    name = await start(http)
    await ended(http, warm, name)
    gate = warm.actions.plays["b"] = Gate()

    class Late(RunRests):
        """Reads what ended runs keep when somebody else has just been faster."""

        async def get(self, execution_id: str) -> tuple[Carried | None, int]:
            await warm.retries.retry(execution_id, RetryWish())
            return await super().get(execution_id)

    late = RunRetries(
        runs=warm.gateway,
        control=warm.control,
        definitions=warm.definitions,
        rests=Late(warm.database),
        effects=PlayedEffects(),
    )
    assert not (await late.retry(name, RetryWish())).created
    gate.opened.set()
    assert (await ended(http, warm, name, 2))["status"] == "completed"


async def test_step_whose_effect_is_kept_is_no_place_to_go_on_from(http: httpx2.AsyncClient, warm: Stage) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, PLAIN)
    name = await start(http)
    await ended(http, warm, name)
    refused = await http.post(f"/executions/{name}/retry", json={"fromStep": "a"})
    assert (refused.status_code, [each["code"] for each in refused.json()["errors"]]) == (409, ["kept_effect"])
    assert (await http.get(f"/executions/{name}")).json()["status"] == "failed"


@pytest.mark.parametrize("policy", ["compensate", "hold"])
async def test_run_goes_on_from_a_step_before_the_one_that_failed(
    http: httpx2.AsyncClient, warm: Stage, policy: str
) -> None:
    warm.actions.plays["b"] = refuse
    first, second = PLAIN["steps"]
    await publish(http, {**PLAIN, "failurePolicy": policy, "steps": [{**first, "action": "free"}, second]})
    name = await start(http)
    if policy == "hold":
        await warm.rows.until_status("needs_attention")
    else:
        await ended(http, warm, name)
    del warm.actions.plays["b"]
    retried = await http.post(f"/executions/{name}/retry", json={"fromStep": "a"})
    assert retried.status_code == 201, retried.text
    run = await ended(http, warm, name, 1 if policy == "hold" else 2)
    assert (run["status"], run["completedSteps"]) == ("completed", ["a", "b"])
    assert (len(calls(warm, "a")), len(calls(warm, "b"))) == (2, 2)


@pytest.mark.parametrize("policy", ["compensate", "hold"])
async def test_run_goes_on_with_a_newer_revision_that_suits_it(
    http: httpx2.AsyncClient, warm: Stage, policy: str
) -> None:
    warm.actions.plays["b"] = refuse
    body = {**PLAIN, "failurePolicy": policy}
    await publish(http, body)
    name = await start(http)
    if policy == "hold":
        await warm.rows.until_status("needs_attention")
    else:
        await ended(http, warm, name)
    steps = body["steps"]
    await publish(http, {**body, "steps": [{**steps[0], "action": "other"}, steps[1]]})
    refused = await http.post(f"/executions/{name}/retry", json={"revision": 2})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "action_changed"), refused.text
    more = {"id": "c", "action": "do", "dependsOn": ["b"]}
    await publish(http, {**body, "steps": [*steps, more], "output": "${c.did}"})
    del warm.actions.plays["b"]
    retried = await http.post(f"/executions/{name}/retry", json={"revision": 3})
    assert (retried.status_code, retried.json()["revision"]) == (201, 3), retried.text
    run = await ended(http, warm, name, 1 if policy == "hold" else 2)
    assert (run["status"], run["revision"], run["output"], len(calls(warm, "a"))) == ("completed", 3, "c", 1)
    assert (await http.post(f"/executions/{name}/retry", json={"revision": 9})).status_code == 409


async def test_held_run_takes_no_other_revision_when_it_would_not_arrive_with_it(
    http: httpx2.AsyncClient, warm: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm.actions.plays["b"] = refuse
    body = {**BODY, "failurePolicy": "hold"}
    await publish(http, body)
    name = await start(http)
    await warm.rows.until_status("needs_attention")
    more = {"id": "c", "action": "do", "dependsOn": ["b"]}
    await publish(http, {**body, "steps": [*body["steps"], more]})
    monkeypatch.setattr("flowforge.engine.leaving.MAX_CARRIED_BYTES", 200)
    refused = await http.post(f"/executions/{name}/retry", json={"revision": 2})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "the run carries too much to go on with another revision",
    )
    assert (await http.post(f"/executions/{name}/compensate")).status_code == 202
    assert (await ended(http, warm, name))["status"] == "compensated"


async def test_held_run_that_takes_another_revision_has_what_was_edited_and_is_kept_elsewhere(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    body = {**BODY, "failurePolicy": "hold"}
    await publish(http, body)
    name = await start(http)
    await warm.rows.until_status("needs_attention")
    await publish(http, {**body, "output": "${size}"})
    del warm.actions.plays["b"]
    edited = {"size": "x" * 100_000}
    retried = await http.post(f"/executions/{name}/retry", json={"revision": 2, "context": edited})
    assert retried.status_code == 201, retried.text
    run = await ended(http, warm, name)
    assert (run["status"], run["output"]) == ("completed", edited["size"])


async def test_held_run_goes_on_with_an_edited_context_and_is_undone_when_it_fails_again(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, {**BODY, "failurePolicy": "hold"})
    name = await start(http, context={"n": 1})
    await warm.rows.until_status("needs_attention")
    held = len(warm.rows.saves)
    retried = await http.post(f"/executions/{name}/retry", json={"context": {"n": 2, "a": {"did": "by hand"}}})
    assert retried.status_code == 201
    await warm.rows.until(lambda save: save.status == "needs_attention" and warm.rows.saves.index(save) > held)
    run = (await http.get(f"/executions/{name}")).json()
    assert (run["context"]["n"], run["stepResults"]["a"]["result"]) == (2, {"did": "by hand"})
    assert (await http.post(f"/executions/{name}/compensate")).status_code == 202
    run = await ended(http, warm, name)
    assert (run["status"], warm.actions.undone) == ("compensated", ["b", "b", "a"])
    del warm.actions.plays["b"]
    assert (await http.post(f"/executions/{name}/retry", json={})).json()["generation"] == 2
    run = await ended(http, warm, name, 2)
    assert (run["status"], run["context"]["n"]) == ("completed", 2), "what was edited stays edited"
