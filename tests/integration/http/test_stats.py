"""The orders' statistics over HTTP."""

from pydantic import TypeAdapter

from flowforge.api.schemas.stats import StatsView
from tests.integration.http.conftest import Api


async def test_statistics_are_told_as_documented(api: Api) -> None:
    await api.order()
    await api.order(payment_method="tok_chargeDeclined")
    api.orders.held = True
    oldest = await api.order()
    await api.order()
    response = await api.http.get("/orders/stats")
    stats = response.json()
    TypeAdapter(StatsView).validate_python(stats, strict=True, extra="forbid")
    counted = {status: count for status, count in stats["counts"].items() if count}
    assert counted == {"running": 2, "completed": 1, "failed": 1}
    assert [rate["window_s"] for rate in stats["rates"]] == [60, 300, 3600]
    for rate, per_minute in zip(stats["rates"], (4.0, 0.8, 0.067), strict=True):
        assert rate["counts"] == {**dict.fromkeys(rate["counts"], 0), "placed": 4, "completed": 1, "failed": 1}
        assert rate["per_minute"]["placed"] == per_minute
    assert (stats["oldest_open"]["order_id"], stats["oldest_open"]["status"]) == (oldest, "running")
    assert stats["backlog"]["unknown_because"] == "Temporal is played"


async def test_a_shop_without_orders_has_statistics(api: Api) -> None:
    stats = (await api.http.get("/orders/stats")).json()
    assert set(stats["counts"].values()) == {0}
    assert stats["oldest_open"] is None


async def test_statistics_take_no_parameters(shared_api: Api) -> None:
    assert (await shared_api.http.get("/orders/stats?status=running")).status_code == 422
