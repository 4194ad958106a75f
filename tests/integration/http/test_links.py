"""The OpenAPI document leads from the catalogue to an order and all that may be done to it: the fuzzer walks there."""

from typing import Any

import pytest

from tests.integration.http.conftest import Api

_ANSWERS = [
    ("/orders", "post", "201"),
    ("/orders", "post", "200"),
    ("/orders/{order}/cancel", "post", "202"),
    ("/orders/{order}/pause", "post", "202"),
    ("/orders/{order}/resume", "post", "202"),
    ("/orders/{order}/retry", "post", "201"),
    ("/orders/{order}/compensations/{name}/retry", "post", "202"),
    ("/orders/{order}/compensations/{name}/write-off", "post", "202"),
    ("/orders/{order}/return", "post", "200"),
]


@pytest.mark.parametrize(("address", "method", "status"), _ANSWERS)
async def test_an_order_leads_to_all_that_may_be_done_to_it(
    shared_api: Api, address: str, method: str, status: str
) -> None:
    paths: dict[str, Any] = (await shared_api.http.get("/openapi.json")).json()["paths"]
    operations = {each["operationId"]: path for path, methods in paths.items() for each in methods.values()}
    links = paths[address][method]["responses"][status]["links"].values()
    of_one_order = {path for path in paths if path.startswith("/orders/{order}") and "{name}" not in path}
    assert {operations[link["operationId"]] for link in links} == of_one_order - {"/orders/{order}/status"}
    assert all(link["parameters"] == {"order": "$response.body#/order_id"} for link in links)


async def test_a_product_leads_to_an_order_for_it(shared_api: Api) -> None:
    paths: dict[str, Any] = (await shared_api.http.get("/openapi.json")).json()["paths"]
    for address, method, product_id in (("/inventory", "get", "/0"), ("/inventory/{product_id}", "put", "")):
        link = paths[address][method]["responses"]["200"]["links"]["order"]
        assert link["operationId"] == paths["/orders"]["post"]["operationId"]
        assert link["requestBody"].pop("product_id") == f"$response.body#{product_id}/product_id"
        placed = await shared_api.http.post("/orders", json={"product_id": "SKU-001", **link["requestBody"]})
        assert placed.status_code == 201
