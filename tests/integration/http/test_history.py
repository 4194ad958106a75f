"""An order's attempts over HTTP."""

import base64
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from flowforge.api.schemas.history import AttemptView
from flowforge.orders.records import OrderRecord
from tests.integration.http.conftest import Api

VIEW = TypeAdapter(list[AttemptView])


async def test_history_is_told_as_documented_oldest_first(api: Api) -> None:
    order_id = await api.order(payment_method="tok_chargeDeclined")
    response = await api.http.get(f"/orders/{order_id}/history")
    attempts = response.json()
    VIEW.validate_python(attempts, strict=True, extra="forbid")
    assert [(attempt["undo"] or attempt["step"], attempt["outcome"]) for attempt in attempts] == [
        ("check_inventory", "applied"),
        ("reserve_inventory", "applied"),
        ("process_payment", "refused"),
        ("revert_warehouse", "not_needed"),
        ("refund_payment_by_idempotency_key", "not_needed"),
        ("release_inventory", "undone"),
    ]
    assert attempts[2]["error"] == {"code": "card_declined", "message": attempts[2]["error"]["message"]}
    assert attempts[0]["started_at"] <= attempts[0]["ended_at"] <= attempts[1]["ended_at"]
    assert (await api.http.get(f"/orders/order-{order_id}/history")).content == response.content


async def test_an_attempt_that_was_lost_shows_as_a_gap(api: Api) -> None:
    order_id = await api.order(payment_method="tok_networkError")
    attempts = (await api.http.get(f"/orders/{order_id}/history")).json()
    VIEW.validate_python(attempts, strict=True, extra="forbid")
    told = [(each["step"], each["attempt"], each["outcome"], each["ended_at"] is None) for each in attempts]
    assert told[2:5] == [
        ("process_payment", 1, "lost", True),
        ("process_payment", 2, "lost", True),
        ("process_payment", 3, "applied", False),
    ]


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_hold_every_attempt_once(api: Api, limit: int) -> None:
    order_id = await api.order(payment_method="tok_networkError")
    whole = (await api.http.get(f"/orders/{order_id}/history")).json()
    paged, address = [], f"/orders/{order_id}/history?limit={limit}"
    while address:
        response = await api.http.get(address)
        assert len(response.json()) <= limit
        paged += response.json()
        address = response.links.get("next", {}).get("url", "")
    assert paged == whole


async def test_an_order_that_has_not_begun_has_no_history_yet_and_no_order_is_404(api: Api) -> None:
    assert (await api.http.get("/orders/mine/history")).status_code == 404
    api.orders.not_begun["mine"] = OrderRecord.accepted(
        order_id="ord_w.mine", workflow_id="mine", state=None, accepted_at=datetime.now(UTC)
    )
    response = await api.http.get("/orders/mine/history")
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize("key", ["ord_1", "1", "1.", "x.1", "1.2.3", "1.99999999999"])
async def test_a_cursor_of_another_list_is_422(shared_api: Api, key: str) -> None:
    cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    response = await shared_api.http.get("/orders/ord_1/history", params={"cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "cursor_invalid")
