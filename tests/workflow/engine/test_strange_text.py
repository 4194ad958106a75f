"""The character NUL, which Postgres keeps in no text, and half a surrogate pair: the same comes of them on both."""

import json
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.contracts import UndoDecision
from flowforge.engine.workflow import RunWorkflow
from tests.workflow.engine.pair import BODY
from tests.workflow.engine.stage import Stage, saved

NUL = "a\0b"
READABLE = "a\ufffdb"
UNDO = {"action": "undo"}
TWO = {"steps": [{"id": "a", "action": "do", "compensation": UNDO}, {"id": "b", "action": "do", "dependsOn": ["a"]}]}


async def test_values_with_nul_are_kept_as_they_are(warm: Stage, http: httpx2.AsyncClient) -> None:
    async def answer(_call: ActionCall) -> Any:
        return ActionAnswer(result={NUL: NUL}, details={"header": NUL})

    warm.actions.plays["a"] = answer
    record = await warm.play({**TWO, "output": "${a}"}, input={"given": NUL}, metadata={"label": NUL})
    assert (record.status, record.output, record.input) == ("completed", {NUL: NUL}, {"given": NUL})
    assert (record.metadata, record.steps[0].details["header"]) == ({"label": NUL}, NUL)
    shown = (await http.get(f"/executions/{record.execution_id}")).json()
    assert (shown["output"], shown["stepResults"]["a"]["result"]) == ({NUL: NUL}, {NUL: NUL})


async def test_words_with_nul_are_told_without_it(warm: Stage, http: httpx2.AsyncClient) -> None:
    async def refuse(_call: ActionCall) -> Any:
        raise ApplicationError(NUL, {"attempt": 1, "body": NUL}, type="no", non_retryable=True)

    warm.actions.plays |= {"b": refuse, "undo a": refuse}
    execution_id = await warm.begin(TWO)
    await warm.rows.until(saved("a", "success"))
    await warm.rows.until_status("needs_attention")
    handle = warm.client.get_workflow_handle(execution_id)
    # As an operator may who talks to Temporal; over HTTP it is a 422.
    await handle.execute_update(RunWorkflow.write_off, UndoDecision(step="a", by=NUL, reason=NUL))
    record = await warm.end(execution_id)
    assert record.failure is not None
    assert (record.status, record.failure["message"]) == ("compensated", READABLE)
    assert [undo.written_off for undo in record.undos] == [f"{READABLE}: {READABLE}"]
    history = (await http.get(f"/executions/{execution_id}/history")).json()
    assert READABLE in {event["message"] for event in history}


async def test_run_called_off_for_a_reason_with_nul_tells_it_without(warm: Stage) -> None:
    execution_id = await warm.begin({"steps": [{"id": "w", "action": "wait", "params": {"event": "go"}}]})
    await warm.rows.until_status("waiting")
    await warm.control.cancel(execution_id, NUL)
    record = await warm.end(execution_id)
    assert record.failure is not None
    assert (record.cancel_reason, record.failure["message"]) == (READABLE, READABLE)


@pytest.mark.parametrize(
    "definition",
    [
        {**BODY, "name": NUL},
        {**BODY, "webhooks": {"onComplete": f"http://x/{NUL}"}},
        {**BODY, "steps": [{"id": "a", "action": "do", "compensation": {"action": NUL}}]},
        {**BODY, "metadata": {NUL: 1}},
    ],
)
async def test_definition_with_nul_is_unreadable_as_json_and_as_yaml(
    http: httpx2.AsyncClient, definition: dict[str, Any]
) -> None:
    for kind in ("json", "yaml"):  # what is JSON is YAML, too
        headers = {"content-type": f"application/{kind}"}
        answer = await http.post("/workflows", content=json.dumps(definition), headers=headers)
        found = [(error["code"], error["detail"]) for error in answer.json()["errors"]]
        assert (answer.status_code, found) == (422, [("FF-1000", "a text holds the character NUL")])


@pytest.mark.parametrize("text", [NUL, "a\ud800b"], ids=["nul", "half a pair"])
async def test_what_clients_say_with_it_is_refused(http: httpx2.AsyncClient, text: str) -> None:
    await http.post("/workflows", json=BODY)
    for body in (
        {"workflowId": "pair", "context": {"given": text}},
        {"workflowId": "pair", "context": {}, "metadata": {"label": text}},
    ):
        headers = {"content-type": "application/json"}
        answer = await http.post("/executions/start", content=json.dumps(body), headers=headers)
        code = "nul_character" if text == NUL else "lone_surrogate"
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
