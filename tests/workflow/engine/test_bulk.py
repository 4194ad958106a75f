"""One action on many runs: an answer for each, and one that is refused keeps no other from it."""

from typing import Any

import httpx2

from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.stage import Stage

NOBODY = f"exec-{'0' * 32}"
WAITING = {"id": "waiting", "steps": [{"id": "wait", "action": "wait", "params": {"event": "go"}, "timeout": "1h"}]}


async def act(http: httpx2.AsyncClient, action: str, chosen: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await http.post("/executions/bulk", json={"action": action, "filter": chosen, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_many_are_cancelled_one_that_is_unknown_is_refused_for_itself(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    await publish(http, WAITING)
    runs = [await start(http, workflowId="waiting") for _ in range(3)]
    found = await act(http, "cancel", {"ids": [*runs, NOBODY]}, reason="all of them")
    assert [item["executionId"] for item in found["items"]] == [*runs, NOBODY]
    assert [item["accepted"] for item in found["items"]] == [True, True, True, False]
    assert (found["items"][3]["code"], found["items"][3]["retryable"]) == ("not_found", False)
    for run in runs:
        record = await warm.end(run)
        assert record.status == "cancelled"


async def test_filter_is_walked_by_its_cursor_each_run_once(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    runs = {await start(http) for _ in range(3)}
    for run in runs:
        await warm.end(run)
    chosen = {"workflowId": "pair", "status": "completed"}
    seen: list[str] = []
    started: set[str] = set()
    cursor = None
    while True:
        found = await act(http, "replay", chosen, limit=2, **({} if cursor is None else {"cursor": cursor}))
        seen += [item["executionId"] for item in found["items"]]
        started |= {item["started"] for item in found["items"]}
        cursor = found["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(runs)
    assert len(started - runs) == 3
    for run in started:
        await warm.end(run)


async def test_filter_that_chooses_nothing_in_particular_is_refused(http: httpx2.AsyncClient) -> None:
    for chosen in ({}, {"ids": [NOBODY], "status": "failed"}):
        answer = await http.post("/executions/bulk", json={"action": "cancel", "filter": chosen})
        assert answer.status_code == 422


async def test_retry_of_what_completed_says_why_not(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http, BODY)
    run = await start(http)
    await warm.end(run)
    found = await act(http, "retry", {"ids": [run]})
    assert (found["items"][0]["accepted"], found["items"][0]["code"]) == (False, "conflict")
