"""Definitions and runs over HTTP, on a real Temporal and either database."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, null

from flowforge.api.app import create_app
from flowforge.persistence.tables.engine import EXECUTION_UNDOS
from tests.workflow.engine.served import services_of
from tests.workflow.engine.stage import Gate, Stage
from tests.workflow.engine.test_runs import chain, refuse

BODY = {"id": "pair", "name": "A pair", **chain("a", "b"), "output": "${b.did}"}
YAML = {"Content-Type": "application/yaml"}


async def publish(http: httpx2.AsyncClient, body: dict[str, Any] = BODY) -> dict[str, Any]:
    response = await http.post("/workflows", json=body)
    assert response.status_code in {200, 201}, response.text
    found: dict[str, Any] = response.json()
    return found


async def start(http: httpx2.AsyncClient, **wishes: Any) -> str:
    response = await http.post("/executions/start", json={"workflowId": "pair", **wishes})
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"/executions/{response.json()['executionId']}"
    execution_id: str = response.json()["executionId"]
    return execution_id


async def test_changed_body_is_the_next_revision_and_the_same_one_changes_nothing(http: httpx2.AsyncClient) -> None:
    first = await http.post("/workflows", json=BODY)
    assert (first.status_code, first.json()["revision"], first.json()["created"]) == (201, 1, True)
    again = await http.post("/workflows", content="# the same\n" + json.dumps(BODY), headers=YAML)
    assert (again.status_code, again.json()["revision"], again.json()["created"]) == (200, 1, False)
    changed = await http.put("/workflows/pair", json={**BODY, "name": "Another"})
    assert (changed.status_code, changed.json()["revision"]) == (201, 2)
    back = await http.put("/workflows/pair", json=BODY)
    assert (back.json()["revision"], back.json()["address"]) == (3, first.json()["address"])
    revisions = (await http.get("/workflows/pair/revisions?limit=2")).json()
    assert [revision["revision"] for revision in revisions] == [3, 2]
    difference = await http.get("/workflows/pair/diff?from=1&to=2")
    assert difference.json() == [{"kind": "changed", "pointer": "/name", "before": "A pair", "after": "Another"}]
    assert (await http.get("/workflows/pair/revisions/2")).json()["definition"]["name"] == "Another"
    assert (await http.get("/workflows/pair/revisions/9")).status_code == 404


async def test_definition_is_told_as_it_was_sent_or_in_the_canonical_form(http: httpx2.AsyncClient) -> None:
    text = "type: Two\nsteps:\n- name: A\n  compensation: UndoA\n- name: B\n"
    assert (await http.post("/workflows", content=text, headers=YAML)).status_code == 201
    assert (await http.get("/workflows/Two")).json()["definition"] == {
        "type": "Two",
        "steps": [{"name": "A", "compensation": "UndoA"}, {"name": "B"}],
    }
    canonical = (await http.get("/workflows/Two?form=canonical")).json()["definition"]
    assert canonical["steps"][1] == {"id": "B", "action": "B", "dependsOn": ["A"]}
    assert [entry["id"] for entry in (await http.get("/workflows")).json()] == ["Two"]
    assert "-->" in (await http.get("/workflows/Two/visualize?format=mermaid")).text
    assert (await http.get("/workflows/Two/visualize")).json()["steps"][1]["dependencies"] == ["A"]


async def test_all_problems_of_a_definition_are_told_with_their_places(http: httpx2.AsyncClient) -> None:
    text = (
        "id: x\nsteps:\n- id: charge\n  action: do\n- id: b\n  action: do\n  dependsOn: [chrage]\n  condition: '1 +'\n"
    )
    response = await http.post("/workflows", content=text, headers=YAML)
    assert (response.status_code, response.json()["code"]) == (422, "definition_invalid")
    assert [(error["code"], error["pointer"], error["line"]) for error in response.json()["errors"]] == [
        ("FF-1004", "/steps/1/dependsOn/0", 7),
        ("FF-1010", "/steps/1/condition", 8),
    ]
    assert response.json()["errors"][0]["hint"] == 'did you mean "charge"?'


async def test_warning_is_told_and_refused_where_that_is_asked_for(http: httpx2.AsyncClient) -> None:
    body = {
        "id": "w",
        "steps": [{"id": "a", "action": "do", "compensation": {"action": "u", "params": "${undo.result.x}"}}],
    }
    assert [warning["code"] for warning in (await publish(http, body))["warnings"]] == ["FF-1102"]
    assert (await http.post("/workflows?strict=true", json=body)).status_code == 422


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": "{", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"\xff", "headers": YAML}, 422),
        ({"content": "a: b", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b" " * 1_100_000, "headers": YAML}, 413),
        ({"json": {**BODY, "id": "other"}}, 422),
    ],
)
async def test_definition_that_cannot_be_taken_is_refused(
    http: httpx2.AsyncClient, sent: dict[str, Any], status: int
) -> None:
    response = await http.put("/workflows/pair", **sent)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert (await http.get("/workflows/pair")).status_code == 404


async def test_deleted_definition_starts_no_runs_until_it_is_published_again(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    gate = warm.actions.plays["a"] = Gate()
    await publish(http)
    execution_id = await start(http)
    await gate.reached.wait()
    assert (await http.delete("/workflows/pair")).status_code == 204
    assert (await http.delete("/workflows/pair")).status_code == 204
    assert (await http.delete("/workflows/nobody")).status_code == 404
    refused = await http.post("/executions/start", json={"workflowId": "pair"})
    assert (refused.status_code, "was deleted" in refused.json()["detail"]) == (409, True)
    assert (await http.get("/workflows")).json() == []
    gate.opened.set()
    assert (await warm.end(execution_id)).status == "completed"
    assert (await http.post("/workflows", json=BODY)).status_code == 200
    await start(http)


async def test_run_is_shown_with_its_steps_results_and_history(http: httpx2.AsyncClient) -> None:
    await publish(http)
    wish = {"type": "pair", "input": {"n": 1}, "metadata": {"team": "x"}, "tenantId": "t"}
    response = await http.post("/workflows/start", json=wish, headers={"Prefer": "wait=30"})
    assert response.status_code == 200, response.text
    run = response.json()
    assert (run["status"], run["output"], run["completedSteps"]) == ("completed", "b", ["a", "b"])
    assert run["stepResults"]["a"]["result"] == {"did": "a"}
    assert run["context"] == {"n": 1, "a": {"did": "a"}, "b": {"did": "b"}}
    path = f"/executions/{run['executionId']}"
    history = (await http.get(f"{path}/history")).json()
    assert [(event["stepId"], event["status"]) for event in history] == [
        ("a", "running"),
        (None, "running"),
        ("a", "success"),
        ("b", "running"),
        ("b", "success"),
        (None, "completed"),
    ]
    picture = (await http.get(f"{path}/visualize")).json()
    assert [(step["id"], step["status"], step["dependencies"]) for step in picture["steps"]] == [
        ("a", "success", []),
        ("b", "success", ["a"]),
    ]
    assert "class s0 success" in (await http.get(f"{path}/visualize?format=mermaid")).text
    for query, count in (("metadata=team:x", 1), ("metadata=team:y", 0), ("status=completed", 1), ("status=failed", 0)):
        found = await http.get(f"/executions?workflowId=pair&{query}&since=2020-01-01T00:00:00Z")
        assert len(found.json()) == count, (query, found.text)


async def test_same_idempotency_key_starts_one_run(http: httpx2.AsyncClient) -> None:
    await publish(http)
    wish = {"workflowId": "pair", "context": {"n": 1}, "idempotencyKey": "k-1"}
    answers = await asyncio.gather(*(http.post("/executions/start", json=wish) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["executionId"] for answer in answers}) == 1
    assert [answer.json()["created"] for answer in answers].count(True) == 1
    other = await http.post("/executions/start", json={**wish, "context": {"n": 2}})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_key_whose_time_is_over_starts_another_run(http: httpx2.AsyncClient) -> None:
    await publish(http)
    wish = {"workflowId": "pair", "idempotencyKey": "k-2", "idempotencyTTL": 0}
    first, second = [(await http.post("/executions/start", json=wish)).json() for _ in range(2)]
    assert first["executionId"] != second["executionId"]
    assert second["created"] is True


async def test_input_that_is_not_as_the_schema_says_starts_nothing(http: httpx2.AsyncClient) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await publish(http, {**BODY, "inputSchema": schema})
    response = await http.post("/executions/start", json={"workflowId": "pair", "context": {"n": "x"}})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/context/n")
    assert (await http.get("/executions")).json() == []


async def test_run_of_an_older_revision_can_be_asked_for(http: httpx2.AsyncClient) -> None:
    await publish(http)
    await publish(http, {**BODY, "output": "two"})
    old = await http.post(
        "/executions/start", json={"workflowId": "pair", "revision": 1}, headers={"Prefer": "wait=30"}
    )
    assert (old.json()["revision"], old.json()["output"]) == (1, "b")


async def test_run_is_held_goes_on_and_is_called_off(http: httpx2.AsyncClient, warm: Stage) -> None:
    gate = warm.actions.plays["a"] = Gate()
    await publish(http)
    path = f"/executions/{await start(http)}"
    await gate.reached.wait()
    assert (await http.post(f"{path}/pause")).json()["status"] == "paused"
    assert (await http.get(path)).json()["status"] == "paused"
    assert (await http.post(f"{path}/resume", json={})).json()["status"] == "running"
    accepted = await http.post(f"{path}/cancel", json={"source": "ada", "reason": "no more"})
    assert (accepted.status_code, accepted.json()["reason"]) == (202, "ada: no more")
    assert (await warm.end(path.rpartition("/")[2])).status == "cancelled"
    run = (await http.get(path)).json()
    assert (run["status"], run["cancelReason"]) == ("cancelled", "ada: no more")
    assert [undo["status"] for undo in run["compensations"]] == ["done"]
    assert (await http.post(f"{path}/pause")).status_code == 409


async def test_body_that_says_nothing_may_be_left_out(http: httpx2.AsyncClient, warm: Stage) -> None:
    gate = warm.actions.plays["a"] = Gate()
    await publish(http)
    path = f"/executions/{await start(http)}"
    await gate.reached.wait()
    for wish, status in (("pause", 202), ("resume", 202), ("signals/hello", 202), ("retry", 409), ("cancel", 202)):
        response = await http.post(f"{path}/{wish}")
        assert response.status_code == status, (wish, response.text)
    undeclared = await http.post(f"{path}/cancel", content=b'{"reason": "x"}')
    assert undeclared.status_code == 415
    assert (await warm.end(path.rpartition("/")[2])).status == "cancelled"
    assert (await http.get(path)).json()["cancelReason"] == "cancelled"


async def test_event_is_checked_against_what_the_step_waits_for(http: httpx2.AsyncClient, warm: Stage) -> None:
    schema = {"type": "object", "required": ["ok"]}
    wait = {"id": "w", "action": "wait", "params": {"event": "done", "schema": schema}}
    await publish(http, {"id": "pair", "steps": [wait], "output": "${w.ok}"})
    path = f"/executions/{await start(http)}"
    await warm.rows.until_status("waiting")
    assert (await http.get(path)).json()["waiting"][0]["event"] == "done"
    assert (await http.post(f"{path}/signals/done", json={"data": {}})).status_code == 422
    woken = await http.post(f"{path}/resume", json={"data": {}})
    assert (woken.status_code, woken.json()["errors"][0]["code"]) == (422, "schema_violated"), woken.text
    many = await http.post("/executions/bulk", json={"action": "resume", "filter": {"ids": [path.rpartition("/")[2]]}})
    assert many.json()["items"][0]["code"] == "conflict", many.text
    assert (await http.post(f"{path}/signals/done", json={"data": {"ok": 1}})).status_code == 202
    assert (await warm.end(path.rpartition("/")[2])).output == 1


async def test_event_for_a_wait_whose_schema_is_none_is_refused_and_nothing_breaks(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    wait = {"id": "w", "action": "wait", "params": {"event": "done", "schema": {"type": "${kind}"}}}
    await publish(http, {"id": "pair", "steps": [wait]})
    path = f"/executions/{await start(http, context={'kind': 'strange'})}"
    await warm.rows.until_status("waiting")
    refused = await http.post(f"{path}/signals/done", json={"data": {}})
    assert (refused.status_code, "schema" in refused.json()["detail"]) == (422, True), refused.text
    assert (await http.post(f"{path}/cancel")).status_code == 202


async def test_event_that_comes_early_is_checked_against_what_will_wait_for_it(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    gate = warm.actions.plays["a"] = Gate()
    schema = {"type": "object", "required": ["ok"]}
    steps = [
        {"id": "a", "action": "do"},
        {"id": "w", "action": "wait", "dependsOn": ["a"], "params": {"event": "done", "schema": schema}},
    ]
    await publish(http, {"id": "pair", "steps": steps, "output": "${w.ok}"})
    path = f"/executions/{await start(http)}"
    await gate.reached.wait()
    assert (await http.post(f"{path}/signals/done", json={"data": {}})).status_code == 422
    assert (await http.post(f"{path}/signals/other", json={"data": {}})).status_code == 202
    assert (await http.post(f"{path}/signals/done", json={"data": {"ok": 2}})).status_code == 202
    gate.opened.set()
    assert (await warm.end(path.rpartition("/")[2])).output == 2


async def test_result_is_in_the_context_under_both_of_its_names(http: httpx2.AsyncClient) -> None:
    await publish(http, {"id": "pair", "steps": [{"id": "a", "action": "do", "outputKey": "score"}]})
    wish = {"workflowId": "pair", "context": {"n": 1}}
    response = await http.post("/executions/start", json=wish, headers={"Prefer": "wait=30"})
    run = (await http.get(response.headers["content-location"])).json()
    assert run["context"] == response.json()["context"] == {"n": 1, "a": {"did": "a"}, "score": {"did": "a"}}


async def test_stuck_undo_is_decided_by_an_operator(http: httpx2.AsyncClient, warm: Stage) -> None:
    warm.actions.plays |= {"b": refuse, "undo a": refuse}
    await publish(http)
    path = f"/executions/{await start(http)}"
    await warm.rows.until_status("needs_attention")
    assert (await http.post(f"{path}/compensations/x/retry")).status_code == 404
    assert (await http.post(f"{path}/compensations/a/retry")).status_code == 202
    await warm.rows.until(lambda save: save.status == "needs_attention" and save.turn > 5)
    decided = await http.post(f"{path}/compensations/a/write-off", json={"by": "ada", "reason": "gone"})
    assert decided.status_code == 202
    name = path.rpartition("/")[2]
    assert (await warm.end(name)).status == "compensated"
    again = await http.post(f"{path}/compensations/a/write-off", json={"by": "bob", "reason": "later"})
    assert (again.status_code, again.json()["status"]) == (202, "compensated"), "a repeat changes nothing"
    assert (await http.post(f"{path}/compensations/b/write-off", json={"by": "b", "reason": "r"})).status_code == 409
    assert (await http.get(path)).json()["compensations"][1]["writtenOff"] == "ada: gone"


async def test_thousands_of_undos_are_counted_and_come_in_pages_those_that_failed_first_of_all(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays |= {"b": refuse, "undo a": refuse}
    await publish(http)
    name = await start(http)
    await warm.rows.until_status("needs_attention")
    # As of a step over items that came after `a`, whose undo is the last but one now.
    others = [
        {"execution_id": name, "key": f"a/{at}", "position": at, "step_id": "a", "visit": 1, "item": at, "action": "do"}
        for at in range(10, 460)
    ]
    values = {"status": "done", "error": null(), "generation": 1}
    await warm.database.write(lambda connection: connection.execute(insert(EXECUTION_UNDOS).values(values), others))
    run = (await http.get(f"/executions/{name}")).json()
    assert run["compensationCounts"] == {"done": 451, "failed": 1}
    assert len(run["compensations"]) == 200
    assert [undo["item"] for undo in run["compensations"]] == [*range(459, 260, -1), None]
    assert run["compensations"][-1]["status"] == "failed"
    found, path = [], f"/executions/{name}/compensations?limit=150"
    while path:
        page = await http.get(path)
        assert page.status_code == 200, page.text
        found += [undo["item"] for undo in page.json()]
        path = page.links["next"]["url"] if page.links else ""
    assert found == [*range(459, 9, -1), None, None]
    failed = (await http.get(f"/executions/{name}/compensations?status=failed")).json()
    assert [(undo["stepId"], undo["error"]["code"]) for undo in failed] == [("a", "no")]
    for path in (f"/executions/{name}/compensations?cursor=bm8", "/executions/exec-none/compensations"):
        assert (await http.get(path)).status_code in {404, 422}
    assert (await http.post(f"/executions/{name}/compensations/x/retry")).status_code == 404
    wish = {"by": "ada", "reason": "gone"}
    assert (await http.post(f"/executions/{name}/compensations/a/write-off", json=wish)).status_code == 202
    assert (await warm.end(name)).status == "compensated"


async def test_held_run_that_is_undone_does_not_notice_that_it_is_asked_for_again(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, {**BODY, "failurePolicy": "hold"})
    path = f"/executions/{await start(http)}"
    await warm.rows.until_status("needs_attention")
    assert (await http.post(f"{path}/compensate")).status_code == 202
    assert (await warm.end(path.rpartition("/")[2])).status == "compensated"
    again = await http.post(f"{path}/compensate")
    assert (again.status_code, again.json()["status"]) == (202, "compensated")


async def test_held_run_is_tried_again_over_http(http: httpx2.AsyncClient, warm: Stage) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http, {**BODY, "failurePolicy": "hold"})
    path = f"/executions/{await start(http)}"
    await warm.rows.until_status("needs_attention")
    del warm.actions.plays["b"]
    assert (await http.post(f"{path}/retry", json={"fromStep": "b"})).status_code == 201
    assert (await warm.end(path.rpartition("/")[2])).status == "completed"
    assert (await http.post(f"{path}/compensate")).status_code == 409


async def test_events_come_live_and_end_with_the_run(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    execution_id = await start(http)
    await warm.end(execution_id)
    text = (await http.get(f"/executions/{execution_id}/events")).text
    frames = [frame for frame in text.split("\n\n") if frame.strip()]
    assert [frame.splitlines()[0] for frame in frames] == [*(f"id: {n}" for n in range(1, 7)), "event: end"]
    assert json.loads(frames[-1].splitlines()[1].removeprefix("data: ")) == {"status": "completed"}
    seen = await http.get(f"/executions/{execution_id}/events", headers={"Last-Event-ID": "6"})
    assert seen.status_code == 204


async def test_unknown_run_and_definition_are_not_found(http: httpx2.AsyncClient) -> None:
    nobody = f"/executions/exec-{'0' * 32}"
    for method, path, body in (
        ("GET", nobody, None),
        ("GET", f"{nobody}/history", None),
        ("GET", f"{nobody}/events", None),
        ("POST", f"{nobody}/pause", None),
        ("POST", f"{nobody}/cancel", {"reason": "x"}),
        ("POST", f"{nobody}/signals/x", {}),
        ("POST", f"{nobody}/compensations/a/retry", None),
        ("GET", "/workflows/nobody", None),
        ("POST", "/executions/start", {"workflowId": "nobody"}),
    ):
        response = await http.request(method, path, json=body) if body is not None else await http.request(method, path)
        assert response.status_code == 404, (path, response.text)


async def test_every_route_is_documented(warm: Stage) -> None:
    document = create_app(services_of(warm)).openapi()
    ours = [path for path in document["paths"] if path.startswith(("/workflows", "/executions"))]
    assert len(ours) == 26
    assert "/actions" in document["paths"]
