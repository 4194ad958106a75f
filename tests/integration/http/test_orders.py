"""Placing and reading orders over HTTP."""

from datetime import datetime

import pytest
from pydantic import TypeAdapter

from flowforge.api.schemas.orders import OrderView
from flowforge.errors import DatabaseUnavailable, TemporalUnavailable
from tests.integration.http.conftest import ORDER, Api


async def test_an_order_is_answered_with_201_and_where_it_is(api: Api) -> None:
    response = await api.http.post("/orders", json=ORDER)
    placed = response.json()
    assert response.status_code == 201
    assert placed == {
        "workflow_id": f"order-{placed['order_id']}",
        "order_id": placed["order_id"],
        "status": "started",
    }
    assert response.headers["location"] == f"/orders/{placed['order_id']}"
    assert (await api.http.get(response.headers["location"])).json()["status"] == "completed"


async def test_a_client_may_name_its_order(api: Api) -> None:
    response = await api.http.post("/orders", json={**ORDER, "workflow_id": "A.b_c-1"})
    assert response.json()["workflow_id"] == "A.b_c-1"
    assert (await api.http.get("/orders/A.b_c-1")).json()["order_id"] == response.json()["order_id"]


async def test_the_longest_name_can_be_read_by_both_ids(api: Api) -> None:
    order_id = await api.order(workflow_id="x" * 128)
    for name in (order_id, "x" * 128):
        assert (await api.http.get(f"/orders/{name}/status")).status_code == 200
        assert len((await api.http.get("/payments", params={"order_id": name})).json()) == 1


async def test_a_name_that_was_taken_is_409(api: Api) -> None:
    await api.order(workflow_id="mine")
    response = await api.http.post("/orders", json={**ORDER, "workflow_id": "mine"})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("prefer", ["wait=5", "WAIT = 5", 'respond-async, wait="5"', "wait=5; a=b, wait=99"])
async def test_who_waits_gets_the_end(api: Api, prefer: str) -> None:
    response = await api.http.post("/orders", json=ORDER, headers={"Prefer": prefer})
    assert response.status_code == 200
    assert response.json()["status"] == "completed"
    assert response.headers["preference-applied"] == "wait=5"
    assert response.headers["content-location"] == f"/orders/{response.json()['order_id']}"


async def test_two_prefer_headers_are_one_list(api: Api) -> None:
    headers = [("Prefer", "respond-async"), ("Prefer", "wait=5")]
    assert (await api.http.post("/orders", json=ORDER, headers=headers)).status_code == 200


async def test_who_does_not_prefer_to_wait_does_not(api: Api) -> None:
    response = await api.http.post("/orders", json=ORDER, headers={"Prefer": "respond-async"})
    assert response.status_code == 201
    assert "preference-applied" not in response.headers


async def test_a_wait_that_is_over_gets_the_order_as_it_is(api: Api) -> None:
    api.orders.held = True
    response = await api.http.post("/orders", json=ORDER, headers={"Prefer": "wait=1"})
    assert response.status_code == 200
    assert response.json()["status"] == "running"
    assert response.json()["steps_completed"] == ["check_inventory"]


async def test_an_accepted_order_whose_wait_breaks_is_still_accepted(api: Api) -> None:
    api.orders.wait_broken_by = DatabaseUnavailable("the database is away")
    response = await api.http.post("/orders", json=ORDER, headers={"Prefer": "wait=5"})
    assert (response.status_code, response.json()["status"]) == (201, "started")


async def test_a_failed_order_shows_how_it_was_made_whole(api: Api) -> None:
    response = await api.http.post(
        "/orders", json={**ORDER, "payment_method": "tok_chargeDeclined"}, headers={"Prefer": "wait=5"}
    )
    state = response.json()
    assert (state["status"], state["failure_code"]) == ("failed", "card_declined")
    assert [undo["status"] for undo in state["compensations"]] == ["not_needed", "not_needed", "completed"]
    assert state["compensation_triggered"] is True
    assert state["charge_id"] is None


async def test_an_unknown_product_is_accepted_and_fails(api: Api) -> None:
    order_id = await api.order(product_id="SKU-404")
    state = (await api.http.get(f"/orders/{order_id}")).json()
    assert (state["status"], state["failure_code"]) == ("failed", "unknown_product")


async def test_the_state_is_what_is_documented(api: Api) -> None:
    order_id = await api.order()
    response = await api.http.get(f"/orders/{order_id}")
    state = response.json()
    TypeAdapter(OrderView).validate_python(state, strict=True, extra="forbid")
    assert state["temporal_url"] == f"http://localhost:8233/namespaces/default/workflows/order-{order_id}"
    assert [event["id"] for event in state["events"]] == list(range(1, len(state["events"]) + 1))
    for time in (state["created_at"], state["updated_at"], state["events"][0]["timestamp"]):
        assert len(time) == len("2026-01-01T00:00:00.000Z")
        assert datetime.fromisoformat(time).utcoffset() is not None
    assert (await api.http.get(f"/orders/{order_id}/status")).content == response.content


async def test_a_fault_is_asked_for_by_header(api: Api) -> None:
    await api.http.post("/orders", json=ORDER, headers={"X-FlowForge-Fail-At": "warehouse"})
    assert [order.fail_at for order in api.orders.placed] == ["warehouse"]


@pytest.mark.parametrize("fault_injection", [False])
async def test_a_fault_where_none_are_injected_is_403(api: Api) -> None:
    response = await api.http.post("/orders", json=ORDER, headers={"X-FlowForge-Fail-At": "warehouse"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert not api.orders.placed


@pytest.mark.parametrize("error", [TemporalUnavailable("Temporal is away"), DatabaseUnavailable("locked")])
async def test_what_is_away_is_503_and_says_when_to_come_again(api: Api, error: Exception) -> None:
    api.orders.broken_by = error
    for response in (await api.http.post("/orders", json=ORDER), await api.http.get("/orders/ord_1")):
        assert response.status_code == 503
        assert response.json()["detail"] == str(error)
        assert int(response.headers["retry-after"]) > 0


async def test_orders_are_listed_newest_first_in_pages(api: Api) -> None:
    placed = [await api.order(workflow_id=None if number % 2 else f"mine-{number}") for number in range(5)]
    seen, address = [], "/orders?limit=2"
    while address:
        response = await api.http.get(address)
        seen.append([order["order_id"] for order in response.json()])
        address = response.links.get("next", {}).get("url", "")
    assert seen == [placed[:2:-1], placed[2:0:-1], placed[:1]]


async def test_a_list_is_filtered_and_its_next_page_too(api: Api) -> None:
    wanted = [await api.order(customer_id="c.1") for _ in range(2)]
    await api.order(customer_id="c.2")
    await api.order(customer_id="c.1", payment_method="tok_chargeDeclined")
    first = await api.http.get("/orders", params={"customer_id": "c.1", "status": "completed", "limit": 1})
    second = await api.http.get(first.links["next"]["url"])
    assert [order["order_id"] for page in (first, second) for order in page.json()] == wanted[::-1]
    assert "next" not in second.links
    assert (await api.http.get("/orders", params={"customer_id": "nobody"})).json() == []


async def test_the_same_key_and_order_again_is_answered_as_the_first_time(api: Api) -> None:
    headers = {"Idempotency-Key": "order 7 of ada"}
    first = await api.http.post("/orders", json=ORDER, headers=headers)
    again = await api.http.post("/orders", json=ORDER, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    waited = await api.http.post("/orders", json=ORDER, headers={**headers, "Prefer": "wait=5"})
    assert (waited.status_code, waited.json()["order_id"]) == (200, first.json()["order_id"])
    assert waited.headers["idempotent-replayed"] == "true"


async def test_the_same_key_with_another_order_is_422(api: Api) -> None:
    headers = {"Idempotency-Key": "k"}
    await api.http.post("/orders", json=ORDER, headers=headers)
    response = await api.http.post("/orders", json={**ORDER, "quantity": 9}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it", "caf\u00e9"])
async def test_a_key_that_is_none_is_400(api: Api, key: str) -> None:
    response = await api.http.post("/orders", json=ORDER, headers=[(b"Idempotency-Key", key.encode())])
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (400, "Idempotency-Key")


async def test_a_key_beside_a_workflow_id_is_400(api: Api) -> None:
    response = await api.http.post("/orders", json={**ORDER, "workflow_id": "w"}, headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (400, "Idempotency-Key")


async def test_two_keys_are_400(api: Api) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await api.http.post("/orders", json=ORDER, headers=headers)).status_code == 400
