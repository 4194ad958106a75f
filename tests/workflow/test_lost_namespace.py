"""Orders while Temporal does not know their namespace: it has lost it, and the reconciler has not yet made it anew."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client

from flowforge.errors import TemporalUnavailable
from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import Counter, open_counter


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda counter: counter.place(), id="place"),
        pytest.param(lambda counter: counter.place(idempotency_key="k"), id="place-with-key"),
        pytest.param(lambda counter: counter.gateway.get("order-1"), id="get"),
        pytest.param(lambda counter: counter.control.cancel("order-1", "no"), id="cancel"),
        pytest.param(lambda counter: counter.control.pause("order-1"), id="pause"),
    ],
)
async def test_namespace_is_lost_nobody_is_told_that_there_is_no_order(
    client: Client, sqlite_url: str, ask: Callable[[Counter], Awaitable[Any]]
) -> None:
    lost = await Client.connect(
        client.service_client.config.target_host, namespace="lost", data_converter=client.data_converter
    )
    async with open_counter(lost, sqlite_url, OrderOptions()) as counter:
        with pytest.raises(TemporalUnavailable, match="lost the namespace"):
            await ask(counter)
