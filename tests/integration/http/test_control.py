"""Cancelling, holding, trying again and deciding over HTTP."""

import pytest

from flowforge.errors import DatabaseUnavailable, TemporalUnavailable
from tests.integration.http.conftest import ORDER, Api
from tests.integration.http.played_control import REFUND

WRITE_OFF = {"reason": "paid by hand", "by": "ada"}


async def held(api: Api, **fields: object) -> str:
    """Place an order that stays open."""
    api.orders.held = True
    order_id = await api.order(**fields)
    api.orders.held = False
    return order_id


async def stuck(api: Api) -> str:
    """Place an order whose refund is refused for good."""
    order_id = await held(api)
    await api.control.stick(order_id)
    return order_id


async def test_an_order_is_cancelled_and_says_so(api: Api) -> None:
    order_id = await held(api)
    response = await api.http.post(f"/orders/{order_id}/cancel", json={"reason": "not wanted"})
    assert response.status_code == 202
    assert response.json() == {
        "order_id": order_id,
        "workflow_id": f"order-{order_id}",
        "reason": "not wanted",
    }
    assert response.headers["location"] == f"/orders/{order_id}"
    order = (await api.http.get(f"/orders/{order_id}")).json()
    assert (order["status"], order["failure_code"], order["cancel_reason"]) == ("cancelled", "cancelled", "not wanted")
    assert order["cancel_requested_at"] is not None


async def test_a_second_cancel_is_answered_as_the_first(api: Api) -> None:
    order_id = await held(api)
    first = await api.http.post(f"/orders/{order_id}/cancel", json={"reason": "not wanted"})
    again = await api.http.post(f"/orders/order-{order_id}/cancel", json={"reason": "really not"})
    assert (again.status_code, again.json()) == (202, first.json())


async def test_a_cancel_that_comes_too_late_is_409_with_the_reason(api: Api) -> None:
    order_id = await api.order()
    response = await api.http.post(f"/orders/{order_id}/cancel", json={"reason": "not wanted"})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert "is completed" in response.json()["detail"]
    assert (await api.http.get(f"/orders/{order_id}")).json()["cancel_requested_at"] is None


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/reason"),
        ({"reason": ""}, 422, "/reason"),
        ({"reason": "  "}, 422, "/reason"),
        ({"reason": "\u00a0\u3000"}, 422, "/reason"),
        ({"reason": "x" * 501}, 422, "/reason"),
        ({"reason": "two\nlines"}, 422, "/reason"),
        ({"reason": "\x1b[2J"}, 422, "/reason"),
        ({"reason": 7}, 422, "/reason"),
        ({"reason": "x", "by": "y"}, 422, "/by"),
        ([], 422, ""),
    ],
)
async def test_a_cancel_that_is_none_is_422_and_cancels_nothing(
    api: Api, body: object, status: int, pointer: str
) -> None:
    order_id = await held(api)
    response = await api.http.post(f"/orders/{order_id}/cancel", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (status, pointer)
    assert (await api.http.get(f"/orders/{order_id}")).json()["cancel_requested_at"] is None


async def test_a_cancel_that_is_no_json_is_400(api: Api) -> None:
    order_id = await held(api)
    headers = {"Content-Type": "application/json"}
    response = await api.http.post(f"/orders/{order_id}/cancel", content=b"{", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")


async def test_an_order_is_held_and_let_go_on(api: Api) -> None:
    order_id = await held(api)
    paused = await api.http.post(f"/orders/{order_id}/pause")
    assert (paused.status_code, paused.json()["status"]) == (202, "paused")
    assert [order["order_id"] for order in (await api.http.get("/orders?status=paused")).json()] == [order_id]
    resumed = await api.http.post(f"/orders/{order_id}/resume")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "running")
    assert (await api.http.get("/orders?status=paused")).json() == []
    await api.orders.release(order_id)
    assert (await api.http.get(f"/orders/{order_id}")).json()["status"] == "completed"


@pytest.mark.parametrize("control", ["pause", "resume"])
async def test_an_order_that_has_ended_cannot_be_held(api: Api, control: str) -> None:
    order_id = await api.order()
    response = await api.http.post(f"/orders/{order_id}/{control}")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert response.json()["detail"] == "the order is completed"


async def test_a_failed_order_is_placed_again_and_both_say_so(api: Api) -> None:
    failed = await api.order(payment_method="tok_chargeDeclined", workflow_id="mine")
    response = await api.http.post("/orders/mine/retry")
    again = response.json()
    assert response.status_code == 201
    assert (again["workflow_id"], again["order_id"]) == ("mine~2", f"{failed}~2")
    assert response.headers["location"] == f"/orders/{again['order_id']}"
    for name in (again["order_id"], "mine~2"):
        order = (await api.http.get(f"/orders/{name}")).json()
        assert (order["order_id"], order["retry_of"], order["retried_by"]) == (again["order_id"], failed, None)
    first = (await api.http.get(f"/orders/{failed}")).json()
    assert (first["retry_of"], first["retried_by"]) == (None, again["order_id"])
    third = await api.http.post("/orders/mine~2/retry")
    assert third.json()["workflow_id"] == "mine~3"


async def test_an_order_is_tried_again_once_and_only_when_it_failed(api: Api) -> None:
    failed = await api.order(payment_method="tok_chargeDeclined")
    assert (await api.http.post(f"/orders/{failed}/retry")).status_code == 201
    for order_id in (failed, await api.order()):
        response = await api.http.post(f"/orders/{order_id}/retry")
        assert (response.status_code, response.json()["code"]) == (409, "conflict")


async def test_pages_of_a_list_may_end_with_a_retry(api: Api) -> None:
    failed = await api.order(payment_method="tok_chargeDeclined", workflow_id="mine")
    await api.http.post("/orders/mine/retry")
    first = await api.http.get("/orders?limit=1")
    assert first.json()[0]["order_id"] == f"{failed}~2"
    second = await api.http.get(first.links["next"]["url"])
    assert second.json()[0]["order_id"] == failed


async def test_what_belongs_to_a_retry_is_found_by_its_name(api: Api) -> None:
    await api.order(payment_method="tok_chargeDeclined", workflow_id="mine")
    await api.http.post("/orders/mine/retry")
    for path in ("/payments", "/warehouse"):
        assert (await api.http.get(path, params={"order_id": "mine~2"})).status_code == 200


async def test_an_undo_that_failed_for_good_is_tried_again(api: Api) -> None:
    order_id = await stuck(api)
    order = (await api.http.get(f"/orders/{order_id}")).json()
    assert order["status"] == "needs_attention"
    response = await api.http.post(f"/orders/{order_id}/compensations/{REFUND}/retry")
    assert (response.status_code, response.json()["order_id"]) == (202, order_id)
    order = (await api.http.get(f"/orders/{order_id}")).json()
    assert (order["status"], order["compensations"][1]["status"]) == ("failed", "completed")


async def test_an_undo_that_can_never_succeed_is_written_off_and_shown(api: Api) -> None:
    order_id = await stuck(api)
    response = await api.http.post(f"/orders/{order_id}/compensations/{REFUND}/write-off", json=WRITE_OFF)
    assert response.status_code == 202
    order = (await api.http.get(f"/orders/{order_id}")).json()
    refund = next(undo for undo in order["compensations"] if undo["name"] == REFUND)
    assert (order["status"], refund["status"], refund["written_off"]) == ("failed", "failed", "ada: paid by hand")


@pytest.mark.parametrize(("decision", "body"), [("retry", None), ("write-off", WRITE_OFF)])
async def test_decisions_where_none_is_needed_are_409(api: Api, decision: str, body: object) -> None:
    order_id = await api.order()
    response = await api.http.post(f"/orders/{order_id}/compensations/{REFUND}/{decision}", json=body)
    assert (response.status_code, response.json()["detail"]) == (409, "the order is completed")


@pytest.mark.parametrize(("decision", "body"), [("retry", None), ("write-off", WRITE_OFF)])
async def test_decisions_on_no_undo_of_the_order_are_404(api: Api, decision: str, body: object) -> None:
    order_id = await stuck(api)
    response = await api.http.post(f"/orders/{order_id}/compensations/unknown/{decision}", json=body)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "x"},
        {"by": "x"},
        {"reason": "x", "by": ""},
        {"reason": "x", "by": "\t"},
        {"reason": "x", "by": " "},
        {"reason": " ", "by": "x"},
    ],
)
async def test_a_write_off_without_who_and_why_is_422(api: Api, body: object) -> None:
    order_id = await stuck(api)
    response = await api.http.post(f"/orders/{order_id}/compensations/{REFUND}/write-off", json=body)
    assert response.status_code == 422
    assert (await api.http.get(f"/orders/{order_id}")).json()["status"] == "needs_attention"


CONTROLS = [
    ("cancel", {"reason": "x"}),
    ("pause", None),
    ("resume", None),
    ("retry", None),
    (f"compensations/{REFUND}/retry", None),
    (f"compensations/{REFUND}/write-off", WRITE_OFF),
]


@pytest.mark.parametrize(("control", "body"), CONTROLS)
async def test_an_order_that_is_not_there_is_404(api: Api, control: str, body: object) -> None:
    response = await api.http.post(f"/orders/ord_1/{control}", json=body)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("control", "body"), CONTROLS)
@pytest.mark.parametrize("name", ["a~unwind", "a~", "a~b", "a%20b", "x" * 135])
async def test_what_is_no_name_of_an_order_is_422(shared_api: Api, control: str, body: object, name: str) -> None:
    response = await shared_api.http.post(f"/orders/{name}/{control}", json=body)
    assert (response.status_code, response.json()["errors"][0]["in"]) == (422, "path")


@pytest.mark.parametrize("error", [TemporalUnavailable("Temporal is away"), DatabaseUnavailable("locked")])
@pytest.mark.parametrize(("control", "body"), CONTROLS)
async def test_what_is_away_is_503(api: Api, control: str, body: object, error: Exception) -> None:
    api.control.broken_by = error
    response = await api.http.post(f"/orders/ord_1/{control}", json=body)
    assert (response.status_code, response.json()["detail"]) == (503, str(error))
    assert response.headers["retry-after"]


@pytest.mark.parametrize("workflow_id", ["mine~2", "~", "stats"])
async def test_names_that_clients_may_not_choose_are_422(shared_api: Api, workflow_id: str) -> None:
    response = await shared_api.http.post("/orders", json={**ORDER, "workflow_id": workflow_id})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/workflow_id")


async def test_no_address_of_the_api_is_an_order_that_somebody_may_place(shared_api: Api) -> None:
    schema = (await shared_api.http.get("/openapi.json")).json()
    words = {path.split("/")[2] for path in schema["paths"] if path.startswith("/orders/")} - {"{order}"}
    assert words == {"stats"}
