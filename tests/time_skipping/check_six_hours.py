"""Each undo fails for six hours: it is tried at its pace all the while, and then its order ends whole.

The hours are skipped by Temporal's own test server, which `scripts/fetch-time-skipping-server.sh` fetches; it is the
same code that decides what is tried when, with the intervals that orders come with. Not collected with the other tests:
`make six-hours`.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from temporalio import activity
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from flowforge.durable.placement import Placement
from flowforge.durable.policies import Policies
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.gateway import NewOrder, OrderGateway, PlacedOrder
from flowforge.orders.saga import STEPS
from flowforge.temporal.converter import DATA_CONVERTER
from tests.workflow.shop import SAMPLE, Hook, Shop, open_shop
from tests.workflow.table import name_of

SIX_HOURS: Final = timedelta(hours=6)
UNDOS: Final = {name_of(step.undo.do): step.undo.name for step in STEPS if step.undo is not None}
PLACEMENTS: Final[tuple[Placement, ...]] = ("auto", "queue")
OPTIONS: Final = OrderOptions(payment_capture="after_warehouse")
LONGEST_PAUSE: Final = timedelta(seconds=OPTIONS.undo_max_interval_s)

_WITHIN: Final = timedelta(minutes=2)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Connected to a Temporal whose time passes as it does until it is told to skip some."""
    folder = Path(os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge"), "time-skipping")
    [server] = folder.glob("temporal-test-server-*")
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=DATA_CONVERTER, test_server_existing_path=str(server), test_server_startup_timeout=_WITHIN
    ) as environment:
        yield environment.client


async def skip(client: Client, duration: timedelta) -> None:
    """Let this much time pass: at once whenever nothing happens."""
    request = SleepRequest()
    request.duration.FromTimedelta(duration)
    await client.test_service.unlock_time_skipping_with_sleep(request, timeout=_WITHIN)


def down_for_six_hours(undo: str, tries: Counter[str]) -> Hook:
    """Return a hook in which a service is down for the orders that are named for this undo; it counts what it meets."""

    async def hook(_count: int) -> None:
        info = activity.info()
        if info.workflow_id is None or not info.workflow_id.endswith(undo):
            return
        tries[info.workflow_id] += 1
        if info.is_local or info.started_time - info.scheduled_time < SIX_HOURS:
            raise ConnectionError("the service is down")

    return hook


async def place(shop: Shop, placement: Placement, undo: str) -> PlacedOrder:
    """Place an order of every step, whose last but one fails; its name says which of its undos will not work."""
    options = replace(OPTIONS, placement=placement)
    gateway = OrderGateway(shop.client, shop.reads, task_queue=shop.task_queue, options=options)
    wishes = {"workflow_id": f"{placement}-{undo}", "ship": True, "fail_at": "shipment"}
    return await gateway.place(NewOrder(**SAMPLE | wishes))


def most_tries(placement: Placement) -> int:
    """Return how many tries six hours take where a try takes no time: ever less often, up to the longest pause."""
    pause, tries, passed = Policies().undo.initial_interval, 1, timedelta()
    while passed < SIX_HOURS:
        passed, tries, pause = passed + pause, tries + 1, min(2 * pause, LONGEST_PAUSE)
    return tries + (placement == "auto")  # the one that ran locally


async def test_each_undo_fails_for_six_hours_every_order_ends_whole(
    client: Client, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("ERROR", "temporalio.activity")  # of thousands of tries each says that it failed
    tries: Counter[str] = Counter()
    async with open_shop(client, sqlite_url, OPTIONS) as shop:
        before = await shop.stock()
        shop.hooks.before.update({undo: down_for_six_hours(undo, tries) for undo in UNDOS})
        placed = [(way, undo, await place(shop, way, undo)) for way in PLACEMENTS for undo in UNDOS]

        await skip(client, SIX_HOURS - 2 * LONGEST_PAUSE)
        for _, undo, order in placed:
            record = await shop.reads.get(order.order_id)
            assert record is not None
            assert record.status == "compensating"
            assert {each.name for each in record.compensations if each.status == "completed"} == {
                name for other, name in UNDOS.items() if other != undo
            }, "an undo that fails keeps no other waiting"

        await skip(client, 4 * LONGEST_PAUSE)
        for placement, undo, order in placed:
            record = await shop.end(order)
            assert (record.status, record.failure_code) == ("failed", "injected_fault")
            assert {each.name: each.status for each in record.compensations} == dict.fromkeys(
                UNDOS.values(), "completed"
            )
            [attempts] = [each.attempts for each in record.compensations if each.name == UNDOS[undo]]
            assert attempts == tries[order.workflow_id]
            # Time goes on while a try takes its own, so there may be fewer; the pauses allow no more.
            assert most_tries(placement) // 2 < attempts <= most_tries(placement)
            run = await shop.handle(order).describe()
            assert run.close_time is not None
            assert run.close_time - run.start_time >= SIX_HOURS
        assert await shop.stock() == before
