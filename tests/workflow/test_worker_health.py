"""The worker's health, as Temporal tells it."""

import socket
import uuid

from flowforge.worker.health import last_poll
from tests.workflow.shop import Shop


async def test_a_worker_at_work_was_seen_on_its_host_and_nowhere_else(shop: Shop) -> None:
    here = socket.gethostname()
    while await last_poll(shop.client, task_queue=shop.worker.task_queue, host=here) is None:
        pass  # it was only just started
    assert await last_poll(shop.client, task_queue=shop.worker.task_queue, host="elsewhere") is None


async def test_a_queue_without_a_worker_was_polled_by_nobody(shop: Shop) -> None:
    assert await last_poll(shop.client, task_queue=f"nobody-{uuid.uuid4()}", host=socket.gethostname()) is None
