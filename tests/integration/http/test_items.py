"""Orders of several products, over HTTP."""

from tests.integration.http.conftest import Api

ITEMS = [{"product_id": "SKU-002", "quantity": 1}, {"product_id": "SKU-001", "quantity": 2}]


async def test_several_products_are_one_order_with_one_total(api: Api) -> None:
    placed = await api.http.post(
        "/orders", json={"items": ITEMS, "customer_id": "c", "payment_method": "tok_visa", "ship": True}
    )
    assert placed.status_code == 201
    order = (await api.http.get(f"/orders/{placed.json()['order_id']}")).json()
    assert (order["status"], order["items"], order["ship"]) == ("completed", ITEMS, True)
    assert (order["product_id"], order["quantity"]) == (None, None)
    records = (await api.http.get("/warehouse", params={"order_id": order["order_id"]})).json()
    assert {(record["product_id"], record["quantity"]) for record in records} == {("SKU-001", 2), ("SKU-002", 1)}


async def test_one_product_is_told_in_both_forms(api: Api) -> None:
    for body in ({"product_id": "SKU-001", "quantity": 2}, {"items": [{"product_id": "SKU-001", "quantity": 2}]}):
        placed = await api.http.post("/orders", json={**body, "customer_id": "c", "payment_method": "tok_visa"})
        order = (await api.http.get(f"/orders/{placed.json()['order_id']}")).json()
        assert (order["product_id"], order["quantity"], order["ship"]) == ("SKU-001", 2, False)
        assert order["items"] == [{"product_id": "SKU-001", "quantity": 2}]


async def test_records_of_an_order_may_lie_on_two_pages(api: Api) -> None:
    for _ in range(2):
        await api.http.post("/orders", json={"items": ITEMS, "customer_id": "c", "payment_method": "tok_visa"})
    first = await api.http.get("/warehouse", params={"limit": 3})
    second = await api.http.get(first.links["next"]["url"])
    assert [len(page.json()) for page in (first, second)] == [3, 1]
    assert "next" not in second.links
