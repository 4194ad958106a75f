"""A definition of two steps, published and started over HTTP."""

from typing import Any

import httpx2

from tests.workflow.engine.test_runs import chain

BODY = {"id": "pair", "name": "A pair", **chain("a", "b"), "output": "${b.did}"}


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
