"""Definitions and runs over HTTP, on a real Temporal and either database."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from flowforge.api.app import create_app
from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.served import services_of
from tests.workflow.engine.stage import Gate, Stage

YAML = {"Content-Type": "application/yaml"}


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
