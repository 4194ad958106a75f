"""Errors, request ids, health and the documentation."""

import logging
import tomllib
from pathlib import Path
from typing import Any

import pytest
import structlog

from flowforge.observability.logging import configure
from tests.integration.http.conftest import ORDER, Api

_PROJECT = Path(__file__).parents[3] / "pyproject.toml"


async def test_a_problem_names_its_request(api: Api) -> None:
    response = await api.http.get("/orders/ord_1", headers={"X-Request-ID": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    assert response.json() == {
        "type": "/problems/not_found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no order 'ord_1'",
        "code": "not_found",
        "request_id": "mine-1",
        "errors": [],
    }


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "ä"])
async def test_a_request_id_that_is_none_is_replaced(api: Api, given: str) -> None:
    response = await api.http.get("/health", headers=[(b"X-Request-ID", given.encode())])
    assert response.headers["x-request-id"].startswith("req_")


async def test_an_order_keeps_the_id_of_its_request(api: Api) -> None:
    await api.http.post("/orders", json=ORDER, headers={"X-Request-ID": "mine-2"})
    assert [order.request_id for order in api.orders.placed] == ["mine-2"]


async def test_a_wrong_method_is_405_and_names_the_right_ones(api: Api) -> None:
    response = await api.http.request("DELETE", "/orders")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, POST"
    assert (await api.http.post("/inventory/SKU-001")).headers["allow"] == "PUT"


async def test_an_error_nobody_foresaw_is_logged_and_tells_nothing(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("json")
    api.orders.broken_by = ZeroDivisionError("the secret")
    response = await api.http.post("/orders", json=ORDER, headers={"X-Request-ID": "mine-3"})
    logged = capsys.readouterr().err
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "mine-3"
    assert "secret" not in response.text
    assert "the secret" in logged
    assert "mine-3" in logged


async def test_a_served_request_leaves_a_line_that_names_the_order(api: Api) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        order_id = await api.order()
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["order_id"], line["workflow_id"], line["status"]) == (order_id, f"order-{order_id}", 201)
    assert line["request_id"].startswith("req_")


async def test_health_asks_nothing(api: Api) -> None:
    api.orders.broken_by = ZeroDivisionError()
    response = await api.http.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_says_what_is_missing(api: Api) -> None:
    assert (await api.http.get("/ready")).json() == {"status": "ok", "temporal": True, "database": True}
    api.orders.present = {"temporal": False, "database": True}
    response = await api.http.get("/ready")
    assert response.status_code == 503
    assert response.json()["missing"] == ["temporal"]
    assert response.headers["retry-after"]


async def test_every_problem_type_can_be_followed(api: Api) -> None:
    kinds = (await api.http.get("/problems")).json()
    assert {"out_of_stock", "not_found", "internal", "not_ready", "method_not_allowed"} <= {
        kind["code"] for kind in kinds
    }
    for kind in kinds:
        assert (await api.http.get(kind["type"])).json() == kind
        assert kind["description"].endswith(".")


async def test_the_documentation_names_every_route_and_its_problems(api: Api) -> None:
    page = await api.http.get("/docs")
    assert page.status_code == 200
    assert '<div id="swagger-ui">\n<p>' in page.text  # a browser without its scripts shows more than nothing
    schema = (await api.http.get("/openapi.json")).json()
    assert set(schema["paths"]) >= {
        "/health",
        "/ready",
        "/orders",
        "/orders/{order}",
        "/orders/{order}/status",
        "/orders/{order}/events",
        "/inventory",
        "/inventory/{product_id}",
        "/payments",
        "/payments/{charge_id}",
        "/warehouse",
        "/engine/snapshot",
    }
    assert schema["info"]["version"] == tomllib.loads(_PROJECT.read_text())["project"]["version"]
    tags = {tag for methods in schema["paths"].values() for operation in methods.values() for tag in operation["tags"]}
    assert tags <= {tag["name"] for tag in schema["tags"] if tag["description"]}
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    for reference in _references(schema):
        assert reference.removeprefix("#/components/schemas/") in schema["components"]["schemas"]
    for methods in schema["paths"].values():
        for operation in methods.values():
            refusals = [answer for status, answer in operation["responses"].items() if status >= "400"]
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals)


async def test_every_documented_example_runs_as_it_stands(api: Api) -> None:
    schema = (await api.http.get("/openapi.json")).json()
    tried = 0
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if "requestBody" not in operation:
                continue
            named = [each for each in operation.get("parameters", ()) if each["in"] == "path"]
            known = {each["name"]: each["schema"]["examples"][0] for each in named if "examples" in each["schema"]}
            if "{order}" in path:
                known["order"] = await _order_in_need(api, path)
            # A path without an example names something that somebody must have made before.
            if any(each["name"] not in known for each in named):
                continue
            address = path.format_map(known)
            examples = operation["requestBody"]["content"]["application/json"]["examples"]
            for example in examples.values():
                response = await api.http.request(method.upper(), address, json=example["value"])
                assert response.status_code in {200, 201, 202}, response.text
                tried += 1
    assert tried >= 7


async def _order_in_need(api: Api, path: str) -> str:
    """Return an order to which an example of this path can be sent."""
    api.orders.held = True
    order_id = await api.order()
    if "compensations" in path:
        await api.control.stick(order_id)
    return order_id


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


@pytest.fixture(autouse=True)
def _logging_as_before() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
