"""What an order's history says of a worker that died."""

import asyncio

from tests.e2e.processes import House, ended, place


async def test_an_attempt_whose_worker_was_killed_shows_as_lost(house: House) -> None:
    named = {"TEMPORAL_HOST": f"127.0.0.1:{house.temporal_port}", "STEP_PLACEMENT": "queue"}
    temporal = await house.start("temporal", "--port", str(house.temporal_port), "--ui-port", str(house.ui_port))
    await temporal.line("Temporal is at ")
    api = await house.start("api", "--port", str(house.api_port), **named)
    doomed = await house.start(
        "worker", **named, FLOWFORGE_FAULT_INJECTION="1", FLOWFORGE_FAULT_POINT="kill:payments.charge:before"
    )
    await asyncio.gather(api.line("The API is at "), doomed.line("The worker takes orders"))
    async with house.http() as client:
        placed = await place(client)
        assert (await doomed.end()).code == -9
        worker = await house.start("worker", **named)
        order = await ended(client, placed["order_id"])
        attempts = (await client.get(f"/orders/{order['order_id']}/history")).json()
    assert order["status"] == "completed"
    told = [
        (each["step"], each["attempt"], each["outcome"], (each["worker"] or "").partition("@")[0]) for each in attempts
    ]
    assert told == [
        ("check_inventory", 1, "applied", str(doomed.pid)),
        ("reserve_inventory", 1, "applied", str(doomed.pid)),
        ("process_payment", 1, "lost", ""),
        ("process_payment", 2, "applied", str(worker.pid)),
        ("update_warehouse", 1, "applied", str(worker.pid)),
    ]
    for process in (worker, api, temporal):
        assert (await process.stop()).code == 0
