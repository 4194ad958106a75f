"""Control over orders, from an operator's socket to the run and back, on a real Temporal."""

from typing import Any

import httpx2
from temporalio.exceptions import ApplicationError

from tests.workflow.shop import Gate, Shop

ORDER = {"product_id": "SKU-001", "quantity": 2, "customer_id": "customer-1", "payment_method": "tok_visa"}
REFUND = "refund_payment_by_idempotency_key"


async def ended(http: httpx2.AsyncClient, order_id: str) -> dict[str, Any]:
    """Follow an order to its end; return it."""
    async with http.stream("GET", f"/orders/{order_id}/events") as stream:
        assert "event: end" in [line async for line in stream.aiter_lines()]
    order: dict[str, Any] = (await http.get(f"/orders/{order_id}")).json()
    return order


async def held_up(http: httpx2.AsyncClient, shop: Shop, activity: str) -> tuple[str, Gate]:
    """Place an order and stop it in a step that goes through the queue."""
    gate = shop.hooks.before[activity] = Gate(at=2)
    order_id = (await http.post("/orders", json=ORDER)).json()["order_id"]
    await gate.reached.wait()
    return order_id, gate


async def stuck(http: httpx2.AsyncClient, shop: Shop) -> str:
    """Place an order that fails, and whose refund is refused for good the first time."""

    async def refuse_once(count: int) -> None:
        if count == 1:
            raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)

    shop.hooks.before["payments.refund_by_key"] = refuse_once
    placed = await http.post("/orders", json=ORDER, headers={"X-FlowForge-Fail-At": "warehouse"})
    await shop.hooks.closes["needs_attention"].wait()
    order_id: str = placed.json()["order_id"]
    return order_id


async def test_an_undo_that_fails_for_good_is_written_off_and_the_order_ends(
    http: httpx2.AsyncClient, shop: Shop
) -> None:
    order_id = await stuck(http, shop)
    order = (await http.get(f"/orders/{order_id}")).json()
    assert order["status"] == "needs_attention"
    assert [(undo["name"], undo["status"]) for undo in order["compensations"]] == [
        ("revert_warehouse", "completed"),
        (REFUND, "failed"),
        ("release_inventory", "completed"),
    ]
    assert (await http.get("/orders/stats")).json()["oldest_open"]["order_id"] == order_id
    body = {"reason": "paid by hand", "by": "ada"}
    response = await http.post(f"/orders/{order_id}/compensations/{REFUND}/write-off", json=body)
    assert response.status_code == 202
    order = await ended(http, order_id)
    assert (order["status"], order["failure_code"]) == ("failed", "injected_fault")
    assert order["compensations"][1]["written_off"] == "ada: paid by hand"
    late = await http.post(f"/orders/{order_id}/compensations/{REFUND}/write-off", json=body)
    assert (late.status_code, late.json()["code"]) == (409, "conflict")


async def test_an_undo_that_failed_for_good_is_tried_again_and_the_order_is_made_whole(
    http: httpx2.AsyncClient, shop: Shop
) -> None:
    order_id = await stuck(http, shop)
    assert (await http.post(f"/orders/{order_id}/compensations/{REFUND}/retry")).status_code == 202
    order = await ended(http, order_id)
    assert (order["status"], {undo["status"] for undo in order["compensations"]}) == ("failed", {"completed"})
    assert (await http.get(f"/payments/{order['charge_id']}")).json()["status"] == "refunded"


async def test_an_order_is_cancelled_and_made_whole(http: httpx2.AsyncClient, shop: Shop) -> None:
    order_id, gate = await held_up(http, shop, "payments.charge")
    first = await http.post(f"/orders/{order_id}/cancel", json={"reason": "not wanted"})
    again = await http.post(f"/orders/{order_id}/cancel", json={"reason": "not at all"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    gate.open()
    order = await ended(http, order_id)
    assert (order["status"], order["failure_code"], order["failure_reason"]) == ("cancelled", "cancelled", "not wanted")
    assert (await shop.stock())[1:] == (0, 0)
    late = await http.post(f"/orders/{order_id}/cancel", json={"reason": "too late"})
    assert (late.status_code, late.json()) == (202, first.json())


async def test_an_order_is_held_before_its_next_step_and_let_go_on(http: httpx2.AsyncClient, shop: Shop) -> None:
    order_id, gate = await held_up(http, shop, "inventory.reserve")
    assert (await http.post(f"/orders/{order_id}/pause")).status_code == 202
    gate.open()
    await shop.hooks.closes["paused"].wait()
    [order] = (await http.get("/orders?status=paused")).json()
    assert (order["order_id"], order["steps_completed"]) == (order_id, ["check_inventory", "reserve_inventory"])
    assert (await http.post(f"/orders/{order_id}/resume")).status_code == 202
    assert (await ended(http, order_id))["status"] == "completed"
    assert (await http.post(f"/orders/{order_id}/pause")).status_code == 409


async def test_a_pause_that_comes_again_when_the_order_goes_on_holds_nothing(
    http: httpx2.AsyncClient, shop: Shop
) -> None:
    order_id, gate = await held_up(http, shop, "inventory.reserve")
    for control, request_id in (("pause", "ada-1"), ("resume", "bob-1"), ("pause", "ada-1")):
        asked = await http.post(f"/orders/{order_id}/{control}", headers={"X-Request-ID": request_id})
        assert asked.status_code == 202
    gate.open()
    assert (await ended(http, order_id))["status"] == "completed"
    assert not shop.hooks.closes["paused"].is_set()


async def test_a_failed_order_is_tried_again(http: httpx2.AsyncClient) -> None:
    headers = {"Prefer": "wait=60", "X-FlowForge-Fail-At": "warehouse"}
    first = (await http.post("/orders", json=ORDER, headers=headers)).json()
    assert first["status"] == "failed"
    response = await http.post(f"/orders/{first['order_id']}/retry")
    assert (response.status_code, response.json()["order_id"]) == (201, f"{first['order_id']}~2")
    again = await ended(http, response.json()["order_id"])
    assert (again["status"], again["retry_of"]) == ("completed", first["order_id"])
    assert (await http.get(f"/orders/{first['order_id']}")).json()["retried_by"] == again["order_id"]


async def test_history_tells_every_attempt_where_it_ran(http: httpx2.AsyncClient, shop: Shop) -> None:
    headers = {"Prefer": "wait=60", "X-FlowForge-Fail-At": "warehouse"}
    order = (await http.post("/orders", json=ORDER, headers=headers)).json()
    attempts = (await http.get(f"/orders/{order['order_id']}/history")).json()
    first = "queue" if shop.gateway._options.placement == "queue" else "local"
    assert [
        (each["undo"] or each["step"], each["attempt"], each["outcome"], each["placement"]) for each in attempts
    ] == [
        ("check_inventory", 1, "applied", first),
        ("reserve_inventory", 1, "applied", first),
        ("process_payment", 1, "applied", first),
        ("update_warehouse", 1, "applied", first),
        ("update_warehouse", 2, "replayed", "queue"),
        ("update_warehouse", 3, "replayed", "queue"),
        ("revert_warehouse", 1, "undone", first),
        (REFUND, 1, "undone", first),
        ("release_inventory", 1, "undone", first),
    ]
    assert [each["error"] and each["error"]["code"] for each in attempts] == [
        *[None] * 3,
        *["injected_fault"] * 3,
        *[None] * 3,
    ]


async def test_statistics_know_what_waits_for_a_worker(http: httpx2.AsyncClient, shop: Shop) -> None:
    await http.post("/orders", json=ORDER, headers={"Prefer": "wait=60"})
    stats = (await http.get("/orders/stats")).json()
    assert stats["counts"]["completed"] == 1
    assert (stats["backlog"]["task_queue"], stats["backlog"]["unknown_because"]) == (shop.task_queue, None)
    assert stats["backlog"]["workflow"]["count"] == 0
