"""Parcels, and what carriers tell of them, over HTTP."""

from flowforge.durable.fence import StepCall
from flowforge.services.shipping.contracts import CreateShipment
from tests.integration.http.conftest import Api


async def _parcel(api: Api) -> tuple[str, str]:
    """Book a parcel for a new order; return the ids of both."""
    order_id = await api.order()
    call = StepCall(saga_id=order_id, step="create_shipment")
    booked = await api.shop.services.shipping.create(CreateShipment(call=call, order_id=order_id))
    return order_id, booked.shipment_id


async def test_a_parcel_is_found_by_its_id_and_its_order(api: Api) -> None:
    order_id, shipment_id = await _parcel(api)
    await _parcel(api)
    parcel = (await api.http.get(f"/shipments/{shipment_id}")).json()
    assert parcel == {
        "shipment_id": shipment_id,
        "order_id": order_id,
        "status": "booked",
        "created_at": parcel["created_at"],
        "updated_at": parcel["created_at"],
    }
    assert (await api.http.get("/shipments", params={"order_id": order_id})).json() == [parcel]


async def test_a_carrier_tells_where_a_parcel_is_and_may_repeat_itself(api: Api) -> None:
    _, shipment_id = await _parcel(api)
    path = f"/shipments/{shipment_id}/status"
    first = await api.http.post(path, json={"status": "dispatched"})
    assert (first.status_code, first.json()["status"]) == (200, "dispatched")
    assert (await api.http.post(path, json={"status": "dispatched"})).json() == first.json()
    back = await api.http.post(path, json={"status": "booked"})
    assert (back.status_code, back.json()["code"]) == (409, "conflict")
    assert (await api.http.get(f"/shipments/{shipment_id}")).json() == first.json()


async def test_a_status_that_no_carrier_tells_is_422(api: Api) -> None:
    _, shipment_id = await _parcel(api)
    for body in ({"status": "cancelled"}, {"status": "lost"}, {}):
        assert (await api.http.post(f"/shipments/{shipment_id}/status", json=body)).status_code == 422


async def test_an_unknown_parcel_is_404(shared_api: Api) -> None:
    assert (await shared_api.http.get("/shipments/sh_1")).status_code == 404
    told = await shared_api.http.post("/shipments/sh_1/status", json={"status": "delivered"})
    assert told.status_code == 404


async def test_parcels_are_listed_newest_first_in_pages(api: Api) -> None:
    placed = [(await _parcel(api))[1] for _ in range(3)]
    first = await api.http.get("/shipments", params={"limit": 2})
    second = await api.http.get(first.links["next"]["url"])
    assert [parcel["shipment_id"] for page in (first, second) for parcel in page.json()] == placed[::-1]
