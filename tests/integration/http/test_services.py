"""Stock, charges and shipments over HTTP, and everything at a glance."""

import pytest

from tests.integration.http.conftest import Api


async def test_the_catalogue_is_listed_with_its_stock(api: Api) -> None:
    await api.order(quantity=2)
    products = {product["product_id"]: product for product in (await api.http.get("/inventory")).json()}
    assert {"SKU-001", "SKU-002", "SKU-003"} <= set(products)
    sold = products["SKU-001"]
    assert set(sold) == {
        "product_id",
        "name",
        "unit_price_minor",
        "currency",
        "on_hand",
        "available",
        "reserved",
        "shipped",
    }
    assert (sold["shipped"], sold["on_hand"]) == (2, sold["available"] + sold["reserved"])


async def test_the_catalogue_comes_in_pages(api: Api) -> None:
    whole = (await api.http.get("/inventory")).json()
    first = await api.http.get("/inventory?limit=2")
    second = await api.http.get(first.links["next"]["url"])
    assert [*first.json(), *second.json()] == whole[:4]


async def test_a_new_product_needs_name_and_price(api: Api) -> None:
    refused = await api.http.put("/inventory/SKU-9", json={"on_hand": 5})
    assert (refused.status_code, refused.json()["code"]) == (422, "unprocessable")
    made = await api.http.put(
        "/inventory/SKU-9", json={"on_hand": 5, "name": "Lämp 💡", "unit_price_minor": 1, "currency": "USD"}
    )
    assert made.status_code == 200
    assert (made.json()["name"], made.json()["available"]) == ("Lämp 💡", 5)
    again = await api.http.put("/inventory/SKU-9", json={"on_hand": 6})
    assert (again.json()["on_hand"], again.json()["unit_price_minor"]) == (6, 1)


async def test_stock_below_what_is_reserved_is_409(api: Api) -> None:
    api.orders.held = True
    order = api.shop.order()
    await order.do_all("reserve_inventory")
    response = await api.http.put("/inventory/SKU-001", json={"on_hand": 1})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "change",
    [
        {"on_hand": -1},
        {"on_hand": True},
        {"on_hand": 1.0},
        {"on_hand": 1, "currency": "usd"},
        {"on_hand": 1, "name": ""},
        {"on_hand": 1, "name": "Lamp\0"},  # which Postgres could not keep
        {"on_hand": 1, "unit_price_minor": -1},
        {"on_hand": 1, "shipped": 0},
        {},
    ],
)
async def test_stock_that_cannot_be_is_422(api: Api, change: dict[str, object]) -> None:
    assert (await api.http.put("/inventory/SKU-001", json=change)).status_code == 422


async def test_a_charge_is_found_by_its_id_and_its_order(api: Api) -> None:
    order_id = await api.order(workflow_id="mine")
    await api.order()
    (payment,) = (await api.http.get("/payments", params={"order_id": order_id})).json()
    assert (await api.http.get("/payments", params={"order_id": "mine"})).json() == [payment]
    assert (await api.http.get(f"/payments/{payment['charge_id']}")).json() == payment
    assert payment == {
        "charge_id": payment["charge_id"],
        "order_id": order_id,
        "amount_minor": payment["amount_minor"],
        "currency": "USD",
        "payment_method": "tok_visa",
        "idempotency_key": f"{order_id}:payments.charge:0",
        "status": "charged",
        "phase": "captured",
        "captured_minor": payment["amount_minor"],
        "refunded_minor": 0,
        "written_off_minor": 0,
    }


async def test_charges_and_shipments_are_listed_newest_first_in_pages(api: Api) -> None:
    placed = [await api.order(workflow_id=f"w{number}") for number in (2, 3, 1)]
    for route in ("/payments", "/warehouse"):
        first = await api.http.get(route, params={"limit": 2})
        second = await api.http.get(first.links["next"]["url"])
        assert [entry["order_id"] for page in (first, second) for entry in page.json()] == placed[::-1]


async def test_a_shipment_is_shown(api: Api) -> None:
    order_id = await api.order(quantity=3)
    assert (await api.http.get("/warehouse", params={"order_id": order_id})).json() == [
        {"order_id": order_id, "product_id": "SKU-001", "quantity": 3, "status": "applied"}
    ]


async def test_the_snapshot_shows_everything_with_counts(api: Api) -> None:
    placed = [await api.order(), await api.order(payment_method="tok_chargeDeclined")]
    snapshot = (await api.http.get("/engine/snapshot")).json()
    assert [order["order_id"] for order in snapshot["orders"]] == placed[::-1]
    assert snapshot["counts"] == {
        "orders": 2,
        "inventory": len(snapshot["inventory"]),
        "payments": 1,
        "warehouse": 1,
    }
    assert [payment["order_id"] for payment in snapshot["payments"]] == placed[:1]
    assert [record["order_id"] for record in snapshot["warehouse"]] == placed[:1]
