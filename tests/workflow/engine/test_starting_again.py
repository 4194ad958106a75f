"""Runs that are started a second time: by a repeated request, after a key's time, or as a replay."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.stage import Stage
from tests.workflow.engine.test_runs import refuse

NOBODY = f"exec-{'0' * 32}"


async def many(http: httpx2.AsyncClient, wish: dict[str, Any], count: int = 5) -> list[dict[str, Any]]:
    """Return what racers were answered who all start the same."""
    answers = await asyncio.gather(*(http.post("/executions/start", json=wish) for _ in range(count)))
    assert {answer.status_code for answer in answers} <= {200, 201}, answers
    return [answer.json() for answer in answers]


async def test_racers_with_a_key_whose_time_is_over_start_one_more_run(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    wish = {"workflowId": "pair", "idempotencyKey": "k"}
    first = (await http.post("/executions/start", json={**wish, "idempotencyTTL": 0})).json()
    found = await many(http, wish)
    assert len({run["executionId"] for run in found}) == 1
    assert found[0]["executionId"] != first["executionId"]
    assert [run["created"] for run in found].count(True) == 1
    for run in (first, found[0]):
        assert (await warm.end(run["executionId"])).status == "completed"
    assert (await many(http, wish, 1))[0] == {**found[0], "created": False, "status": "completed"}


async def test_both_ways_to_start_share_their_keys(http: httpx2.AsyncClient) -> None:
    await publish(http)
    first = await http.post("/workflows/start", json={"type": "pair", "input": {"n": 1}, "idempotencyKey": "k"})
    again = await http.post(
        "/executions/start", json={"workflowId": "pair", "context": {"n": 1}, "idempotencyKey": "k"}
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["executionId"] == first.json()["executionId"]


@pytest.mark.parametrize(
    "other",
    [{"timeout": "1h"}, {"metadata": {"a": 1}}, {"tenantId": "t"}, {"revision": 1}, {"parentExecutionId": NOBODY}],
)
async def test_key_that_stands_for_another_wish_is_refused(http: httpx2.AsyncClient, other: dict[str, Any]) -> None:
    await publish(http)
    wish = {"workflowId": "pair", "idempotencyKey": "k"}
    assert (await http.post("/executions/start", json=wish)).status_code == 201
    refused = await http.post("/executions/start", json={**wish, **other})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_key_of_a_start_that_was_refused_is_free_for_a_better_one(http: httpx2.AsyncClient) -> None:
    await publish(http, {**BODY, "inputSchema": {"type": "object", "required": ["n"]}})
    wish = {"workflowId": "pair", "idempotencyKey": "k"}
    assert (await http.post("/executions/start", json=wish)).status_code == 422
    assert (await http.post("/executions/start", json={**wish, "context": {"n": 1}})).status_code == 201


async def test_replay_is_a_new_run_of_the_same_input_and_revision_linked_both_ways(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await publish(http)
    first = await start(http, context={"n": 1}, metadata={"team": "x"}, tenantId="t", timeout="1h")
    assert (await warm.end(first)).status == "compensated"
    await publish(http, {**BODY, "output": "two"})
    del warm.actions.plays["b"]
    response = await http.post(f"/executions/{first}/replay")
    assert (response.status_code, response.json()["revision"], response.json()["created"]) == (201, 1, True)
    second = response.json()["executionId"]
    assert response.headers["location"] == f"/executions/{second}"
    record = await warm.end(second)
    assert (record.status, record.output, record.timeout_s) == ("completed", "b", 3600)
    new, old = [(await http.get(f"/executions/{name}")).json() for name in (second, first)]
    assert (new["replayOf"], old["replays"], old["replayOf"], new["replays"]) == (first, [second], None, [])
    assert [new[name] for name in ("input", "metadata", "tenantId")] == [{"n": 1}, {"team": "x"}, "t"]
    assert not {call.key for call in warm.actions.calls if call.execution_id == second} & {
        call.key for call in warm.actions.calls if call.execution_id == first
    }
    third = (await http.post(f"/executions/{first}/replay")).json()["executionId"]
    await warm.end(third)
    assert (await http.get(f"/executions/{first}")).json()["replays"] == [third, second]


async def test_replay_that_is_repeated_with_its_key_is_one_run(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    first, other = await start(http), await start(http)
    for name in (first, other):
        await warm.end(name)
    key = {"Idempotency-Key": "again"}
    answers = await asyncio.gather(*(http.post(f"/executions/{first}/replay", headers=key) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["executionId"] for answer in answers}) == 1
    refused = await http.post(f"/executions/{other}/replay", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_replay_of_what_cannot_start_is_refused(http: httpx2.AsyncClient, warm: Stage) -> None:
    assert (await http.post(f"/executions/{NOBODY}/replay")).status_code == 404
    await publish(http)
    first = await start(http)
    await warm.end(first)
    await http.delete("/workflows/pair")
    refused = await http.post(f"/executions/{first}/replay")
    assert (refused.status_code, "was deleted" in refused.json()["detail"]) == (409, True)
