"""Taking completed orders back, over HTTP."""

import pytest

from tests.integration.http.conftest import Api


@pytest.mark.parametrize("by", ["order_id", "workflow_id"])
async def test_a_completed_order_is_taken_back_once(api: Api, by: str) -> None:
    order_id = await api.order(workflow_id="mine", quantity=3)
    before = (await api.http.get("/inventory")).json()[0]
    name = order_id if by == "order_id" else "mine"
    returned = await api.http.post(f"/orders/{name}/return")
    assert (returned.status_code, returned.json()["status"]) == (200, "returned")
    assert returned.json()["events"][-1]["message"] == "3 x SKU-001 back in stock, refunded 59.97 USD"
    again = await api.http.post(f"/orders/{name}/return")
    assert (again.status_code, again.json()) == (200, returned.json())
    after = (await api.http.get("/inventory")).json()[0]
    assert (after["available"] - before["available"], after["shipped"]) == (3, before["shipped"] - 3)
    (payment,) = (await api.http.get("/payments", params={"order_id": order_id})).json()
    assert (payment["status"], payment["refunded_minor"]) == ("refunded", payment["captured_minor"])
    (record,) = (await api.http.get("/warehouse", params={"order_id": order_id})).json()
    assert record["status"] == "returned"
    assert [order["order_id"] for order in (await api.http.get("/orders?status=returned")).json()] == [order_id]


async def test_a_return_that_takes_its_time_is_202(api: Api) -> None:
    order_id = await api.order()
    api.returns.held = True
    under_way = await api.http.post(f"/orders/{order_id}/return")
    assert (under_way.status_code, under_way.json()["status"]) == (202, "completed")


async def test_an_order_that_has_not_completed_is_409(api: Api) -> None:
    order_id = await api.order(payment_method="tok_chargeDeclined")
    refused = await api.http.post(f"/orders/{order_id}/return")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_an_unknown_order_is_404(shared_api: Api) -> None:
    assert (await shared_api.http.post("/orders/nobody/return")).status_code == 404
