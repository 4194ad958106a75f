"""Orders from a client's socket to Temporal, the worker and the database, and back."""

import httpx2

from tests.workflow.shop import Gate, Shop

ORDER = {"product_id": "SKU-001", "quantity": 2, "customer_id": "customer-1", "payment_method": "tok_visa"}


async def test_an_order_completes_while_its_client_waits(http: httpx2.AsyncClient) -> None:
    response = await http.post("/orders", json=ORDER, headers={"Prefer": "wait=60"})
    order = response.json()
    assert (response.status_code, order["status"], order["current_step"]) == (200, "completed", None)
    assert order["steps_completed"] == ["check_inventory", "reserve_inventory", "process_payment", "update_warehouse"]
    (payment,) = (await http.get("/payments", params={"order_id": order["workflow_id"]})).json()
    assert (payment["charge_id"], payment["status"]) == (order["charge_id"], "charged")
    assert (await http.get(f"/orders/{order['order_id']}")).json() == order


async def test_an_order_that_fails_at_the_warehouse_is_made_whole(http: httpx2.AsyncClient) -> None:
    before = (await http.get("/inventory")).json()
    response = await http.post("/orders", json=ORDER, headers={"Prefer": "wait=60", "X-FlowForge-Fail-At": "warehouse"})
    order = response.json()
    assert (order["status"], order["failure_code"]) == ("failed", "injected_fault")
    assert order["compensation_triggered"] is True
    assert [(undo["name"], undo["status"]) for undo in order["compensations"]] == [
        ("revert_warehouse", "completed"),
        ("refund_payment_by_idempotency_key", "completed"),
        ("release_inventory", "completed"),
    ]
    assert (await http.get(f"/payments/{order['charge_id']}")).json()["status"] == "refunded"
    assert [record["status"] for record in (await http.get("/warehouse")).json()] == ["reverted"]
    assert (await http.get("/inventory")).json() == before


async def test_a_name_taken_by_an_open_order_and_by_an_ended_one_is_409(http: httpx2.AsyncClient, shop: Shop) -> None:
    gate = shop.hooks.after["payments.charge"] = Gate()
    name = f"mine-{shop.gateway._task_queue}"
    await http.post("/orders", json={**ORDER, "workflow_id": name})
    await gate.reached.wait()
    assert (await http.post("/orders", json={**ORDER, "workflow_id": name})).status_code == 409
    state = (await http.get(f"/orders/{name}")).json()
    assert (state["status"], state["customer_id"]) == ("running", "customer-1")
    gate.open()
    await shop.client.get_workflow_handle(name).result()
    assert (await http.post("/orders", json={**ORDER, "workflow_id": name})).status_code == 409


async def test_events_of_an_order_are_followed_to_its_end(http: httpx2.AsyncClient) -> None:
    placed = (await http.post("/orders", json=ORDER)).json()
    async with http.stream("GET", f"/orders/{placed['workflow_id']}/events") as response:
        lines = [line async for line in response.aiter_lines()]
    state = (await http.get(f"/orders/{placed['order_id']}")).json()
    ids = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    assert ids == [event["id"] for event in state["events"]]
    assert [line for line in lines if line][-2:] == ["event: end", 'data: {"status": "completed"}']


async def test_the_api_is_ready(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/ready")).json() == {"status": "ok", "temporal": True, "database": True}
