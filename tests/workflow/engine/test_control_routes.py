"""What is decided about runs over HTTP, on a real Temporal and either database."""

import httpx2
from sqlalchemy import insert, null

from flowforge.persistence.tables.engine import EXECUTION_UNDOS
from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.stage import Gate, Stage
from tests.workflow.engine.test_runs import refuse


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
    for blank in ({"reason": "  "}, {"reason": "x", "source": " "}):
        assert (await http.post(f"{path}/cancel", json=blank)).status_code == 422
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
