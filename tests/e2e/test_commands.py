"""The commands that do one thing and end."""

import json

from tests.e2e.processes import House

_PEEK = {
    "id": "peek",
    "steps": [{"id": "ask", "action": "http.request", "params": {"url": "${api}/inventory"}}],
}


async def test_demo_once_shows_both_orders_typed_and_as_data_and_ends_with_code_0(house: House) -> None:
    end = await house.run("demo", "--once", *house.own_ports)
    assert end.code == 0, end
    assert end.err == ""
    assert "Good order: = completed: 39.98 USD paid, 2 units shipped" in end.out
    assert "Failing order: = made whole: 39.98 USD refunded, 2 units released" in end.out
    assert "Good run: = completed: 6 steps" in end.out
    assert "Failing run: = made whole: ReleaseInventory, RefundPayment" in end.out
    assert "Failing run: ↩ CancelShipment: undo done" in end.out
    assert (await house.run("audit")).code == 0


async def test_demo_ends_with_code_1_when_an_order_does_not_end_as_it_should(house: House) -> None:
    end = await house.run("demo", "--once", *house.own_ports, FAIL_AT="payment")
    assert end.code == 1
    assert "an order did not end as it should" in end.out


async def test_demo_lets_definitions_reach_this_machine_and_says_so(house: House) -> None:
    process = await house.start("demo", *house.own_ports)
    await process.line("Definitions may call this machine here (EGRESS_ALLOW=localhost,127.0.0.1,::1)")
    async with house.http() as client:
        assert (await client.post("/workflows", json=_PEEK)).status_code == 201
        asked = {"type": "peek", "input": {"api": str(client.base_url).rstrip("/")}}
        ended = (await client.post("/workflows/start", json=asked, headers={"Prefer": "wait=60"})).json()
    assert ended["status"] == "completed", ended
    assert "SKU-001" in {each["product_id"] for each in ended["stepResults"]["ask"]["result"]}
    assert (await process.stop()).is_clean


async def test_starter_prints_the_order_and_tells_by_its_code_whether_it_completed(house: House) -> None:
    process = await house.start_all()
    named = {"TEMPORAL_HOST": f"127.0.0.1:{house.temporal_port}"}
    good = await house.run("starter", **named)
    bad = await house.run("starter", "--fail-at", "warehouse", **named)
    declined = await house.run("starter", "--payment-method", "tok_chargeDeclined", **named)
    async with house.http() as client:
        order = json.loads(good.out)
        assert (await client.get(f"/orders/{order['order_id']}")).json() == {
            **order,
            "temporal_url": f"http://localhost:{house.ui_port}/namespaces/default/workflows/{order['workflow_id']}",
        }
    elsewhere = await house.run("starter", FLOWFORGE_DB_PATH=str(house.folder / "other.sqlite3"), **named)
    await process.stop()
    assert (good.code, order["status"]) == (0, "completed")
    failed = json.loads(bad.out)
    assert (bad.code, failed["status"], failed["failure_code"]) == (1, "failed", "injected_fault")
    assert [undo["status"] for undo in failed["compensations"]] == ["completed"] * 3
    assert (declined.code, json.loads(declined.out)["failure_code"]) == (1, "card_declined")
    # Where the worker's database is elsewhere, Temporal tells how the order ended.
    assert (elsewhere.code, json.loads(elsewhere.out)["status"]) == (0, "completed")


async def test_starter_abandoned_by_a_signal_ends_with_code_1(house: House) -> None:
    temporal = await house.start("temporal", "--port", str(house.temporal_port), "--ui-port", str(house.ui_port))
    await temporal.line("Temporal is at ")
    starter = await house.start("starter", TEMPORAL_HOST=f"127.0.0.1:{house.temporal_port}")
    await starter.error_line("placed order-ord_")
    assert (await starter.stop()).code == 1
    assert (await temporal.stop()).is_clean


async def test_inventory_set_changes_stock_and_refuses_in_one_line(house: House) -> None:
    known = await house.run("inventory", "set", "SKU-001", "--on-hand", "7")
    assert (known.code, known.err) == (0, "")
    assert known.out.startswith("SKU-001 (")
    assert known.out.endswith("7 on hand, 7 available, 0 reserved\n")
    unknown = await house.run("inventory", "set", "SKU-900", "--on-hand", "7")
    assert unknown.code == 1
    assert unknown.err.startswith("flowforge: ")
    assert unknown.err.count("\n") == 1
    new = ("--name", "Lamp", "--unit-price-minor", "2500", "--currency", "EUR")
    added = await house.run("inventory", "set", "SKU-900", "--on-hand", "7", *new)
    assert added.out == "SKU-900 (Lamp, 25.00 EUR): 7 on hand, 7 available, 0 reserved\n"
    assert (await house.run("audit")).code == 0
