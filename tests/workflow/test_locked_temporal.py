"""Orders while Temporal does not let FlowForge in any more: its key has expired, or was taken back."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCStatusCode

from flowforge.errors import TemporalUnavailable
from flowforge.orders.contracts import OrderOptions
from flowforge.temporal.client import connect
from flowforge.temporal.converter import DATA_CONVERTER
from flowforge.temporal.target import TemporalTarget
from tests.fixtures.locked_temporal import locked_temporal
from tests.workflow.gone import reconciler
from tests.workflow.shop import Counter, open_counter

ASKED = [
    pytest.param(lambda counter: counter.place(), id="place"),
    pytest.param(lambda counter: counter.place(idempotency_key="k"), id="place-with-key"),
    pytest.param(lambda counter: counter.gateway.get("order-1"), id="get"),
    pytest.param(lambda counter: counter.control.cancel("order-1", "no"), id="cancel"),
    pytest.param(lambda counter: counter.control.pause("order-1"), id="pause"),
    pytest.param(lambda counter: reconciler(counter).turn(), id="reconcile"),
]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("status", [RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED])
async def test_key_was_taken_back_what_is_asked_is_refused_and_says_what_to_check(
    sqlite_url: str, ask: Callable[[Counter], Awaitable[Any]], status: RPCStatusCode
) -> None:
    async with locked_temporal(status, "the key has expired") as address:
        locked = await Client.connect(address, data_converter=DATA_CONVERTER)
        async with open_counter(locked, sqlite_url, OrderOptions()) as counter:
            with pytest.raises(TemporalUnavailable) as told:
                await ask(counter)
    assert str(told.value) == (
        "Temporal does not let FlowForge in (the key has expired): check TEMPORAL_API_KEY, TEMPORAL_TLS_* and what "
        "they may do in the namespace"
    )


async def test_key_was_taken_back_api_is_not_ready(sqlite_url: str) -> None:
    async with locked_temporal(RPCStatusCode.PERMISSION_DENIED, "the key has expired") as address:
        locked = await connect(TemporalTarget(address=address, is_given=True))
        async with open_counter(locked, sqlite_url, OrderOptions()) as counter:
            assert await counter.gateway.ready() == {"temporal": False, "database": True}
