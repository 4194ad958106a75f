"""A fresh stack runs the bundled definitions, and others, with every action that it offers."""

import json
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.processes import House

_SEEDS = Path(__file__).parents[1] / "fixtures" / "engine" / "seeds"
_SHOUT = {
    "id": "shout",
    "steps": [
        {"id": "make", "action": "transform", "params": {"code": "return { said: input.word.toUpperCase() }"}},
        {
            "id": "reach",
            "action": "http.request",
            "params": {"url": "http://127.0.0.1:1/"},
            "dependsOn": ["make"],
            "onError": "continue",
        },
    ],
}


async def _run(client: httpx2.AsyncClient, path: str, request: dict[str, Any]) -> dict[str, Any]:
    ended = await client.post(path, json=request, headers={"Prefer": "wait=60"})
    assert ended.status_code == 200, ended.text
    body: dict[str, Any] = ended.json()
    return body


async def test_a_fresh_stack_runs_what_it_comes_with_and_what_it_is_given(house: House) -> None:
    process = await house.start_all()
    async with house.http() as client:
        listed = {each["name"] for each in (await client.get("/actions")).json()}
        assert {"http.request", "transform", "inventory.reserve", "ChargePayment"} <= listed

        order = await _run(client, "/workflows/start", json.loads((_SEEDS / "start-000-order.json").read_text()))
        assert order["status"] == "completed"
        assert order["stepResults"]["ChargePayment"]["result"]["amount"] == 99.98

        refused = await _run(client, "/workflows/start", json.loads((_SEEDS / "start-000-refused.json").read_text()))
        assert refused["status"] == "compensated"
        assert refused["error"]["code"] == "card_declined"

        assert (await client.post("/workflows", json=_SHOUT)).status_code == 201
        shout = await _run(client, "/executions/start", {"workflowId": "shout", "context": {"word": "hey"}})
        assert shout["status"] == "completed"
        assert shout["stepResults"]["make"]["result"] == {"said": "HEY"}
        assert shout["stepResults"]["reach"]["error"]["code"] == "egress_blocked"
    assert (await process.stop()).is_clean
    audited = await house.run("audit")
    assert audited.code == 0, audited


async def test_a_process_whose_actions_cannot_be_loaded_says_so_in_one_line(house: House) -> None:
    ended = await house.run("all", *house.own_ports, ACTIONS="no.such.module")
    assert ended.code == 1
    assert "ACTIONS=no.such.module: cannot be imported" in ended.err
    assert "Traceback" not in ended.err


async def test_a_definition_is_tested_without_a_server(house: House) -> None:
    examples = Path(__file__).parents[2] / "examples"
    ended = await house.run("test", str(examples / "greeting.test.yaml"), str(examples / "order.test.yaml"))
    assert (ended.code, "6 passed, 0 failed" in ended.out) == (0, True), ended.out
