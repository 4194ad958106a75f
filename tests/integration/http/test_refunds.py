"""Refunds in part, over HTTP."""

from typing import Any

import pytest

from tests.integration.http.conftest import Api

BODY = {"amount_minor": 500, "reason": "a scratch"}


async def _charge(api: Api) -> dict[str, Any]:
    await api.order()
    (payment,) = (await api.http.get("/payments")).json()
    charge: dict[str, Any] = payment
    return charge


async def test_a_part_is_given_back_once_for_each_key(api: Api) -> None:
    charge = await _charge(api)
    path = f"/payments/{charge['charge_id']}/refunds"
    first = await api.http.post(path, json=BODY, headers={"Idempotency-Key": "r 1"})
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    refund = first.json()
    assert refund == {
        "refund_id": refund["refund_id"],
        "charge_id": charge["charge_id"],
        "amount_minor": 500,
        "currency": "USD",
        "reason": "a scratch",
        "created_at": refund["created_at"],
    }
    again = await api.http.post(path, json=BODY, headers={"Idempotency-Key": "r 1"})
    assert (again.status_code, again.headers["idempotent-replayed"], again.json()) == (201, "true", refund)
    assert (await api.http.get(path)).json() == [refund]
    now = (await api.http.get(f"/payments/{charge['charge_id']}")).json()
    assert (now["status"], now["phase"], now["refunded_minor"]) == ("charged", "captured", 500)


async def test_a_key_that_belongs_to_another_refund_is_422(api: Api) -> None:
    path = f"/payments/{(await _charge(api))['charge_id']}/refunds"
    await api.http.post(path, json=BODY, headers={"Idempotency-Key": "k"})
    other = await api.http.post(path, json={**BODY, "amount_minor": 501}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_more_than_is_left_is_409(api: Api) -> None:
    charge = await _charge(api)
    path = f"/payments/{charge['charge_id']}/refunds"
    body = {"amount_minor": charge["amount_minor"] + 1, "reason": "all of it"}
    refused = await api.http.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await api.http.get(path)).json() == []


@pytest.mark.parametrize(
    "headers", [[], [("Idempotency-Key", "")], [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]]
)
async def test_a_refund_without_one_key_is_400(api: Api, headers: list[tuple[str, str]]) -> None:
    path = f"/payments/{(await _charge(api))['charge_id']}/refunds"
    refused = await api.http.post(path, json=BODY, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "body",
    [
        {"amount_minor": 0, "reason": "r"},
        {"amount_minor": 1.0, "reason": "r"},
        {"amount_minor": 1},
        {"amount_minor": 1, "reason": ""},
        {"amount_minor": 1, "reason": "  "},
        {"amount_minor": 1, "reason": "a scratch\0"},  # which Postgres could not keep
        {"amount_minor": 1, "reason": "r", "currency": "USD"},
    ],
)
async def test_a_refund_that_cannot_be_is_422(shared_api: Api, body: dict[str, object]) -> None:
    refused = await shared_api.http.post("/payments/ch_1/refunds", json=body, headers={"Idempotency-Key": "k"})
    assert refused.status_code == 422


async def test_refunds_of_an_unknown_charge_are_404(shared_api: Api) -> None:
    refused = await shared_api.http.post("/payments/ch_1/refunds", json=BODY, headers={"Idempotency-Key": "k"})
    assert refused.status_code == 404
    assert (await shared_api.http.get("/payments/ch_1/refunds")).status_code == 404


async def test_refunds_are_listed_newest_first_in_pages(api: Api) -> None:
    path = f"/payments/{(await _charge(api))['charge_id']}/refunds"
    for amount in (1, 2, 3):
        await api.http.post(
            path, json={"amount_minor": amount, "reason": "r"}, headers={"Idempotency-Key": str(amount)}
        )
    first = await api.http.get(path, params={"limit": 2})
    second = await api.http.get(first.links["next"]["url"])
    assert [refund["amount_minor"] for page in (first, second) for refund in page.json()] == [3, 2, 1]
