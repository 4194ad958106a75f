"""API and worker, together and apart: how they start, end, and go on."""

import asyncio
import os
import signal
import socket
import sqlite3

import pytest

from flowforge.cli import reload
from tests.e2e.processes import House, accepted, ended, failed_attempt, place


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_all_stopped_in_the_middle_of_orders_goes_on_after_its_next_start(
    house: House, number: signal.Signals
) -> None:
    process = await house.start_all()
    async with house.http() as client:
        # The payment provider fails twice, so that these orders are under way when the signal comes.
        placed = await asyncio.gather(*(place(client, payment_method="tok_networkError") for _ in range(8)))
        connected = asyncio.Event()
        watching = asyncio.create_task(_watch(house, placed[0]["order_id"], connected))
        await connected.wait()
        process.send(number)
        stopped = await process.end()
        await watching
    assert stopped.is_clean, stopped
    again = await house.start_all()
    async with house.http() as client:
        orders = [await ended(client, each["order_id"]) for each in placed]
    assert [order["status"] for order in orders] == ["completed"] * 8
    assert (await again.stop()).is_clean
    audited = await house.run("audit")
    assert audited.code == 0, audited


async def _watch(house: House, order_id: str, connected: asyncio.Event) -> None:
    """Watch events until the stream ends, with the order or because the server drains."""
    async with house.http() as client, client.stream("GET", f"/orders/{order_id}/events") as stream:
        connected.set()
        async for _ in stream.aiter_lines():
            pass


async def test_draining_answers_who_waits_for_an_order(house: House) -> None:
    temporal = await house.start("temporal", "--port", str(house.temporal_port), "--ui-port", str(house.ui_port))
    await temporal.line("Temporal is at ")
    # Without a worker no order ends.
    api = await house.start("api", "--port", str(house.api_port), TEMPORAL_HOST=f"127.0.0.1:{house.temporal_port}")
    await api.line("The API is at ")
    async with house.http() as client:
        waiting = asyncio.create_task(place(client, wait_s=60, workflow_id="patient"))
        await accepted(client, "patient")
        api.send(signal.SIGTERM)
        assert (await waiting)["status"] == "running"
    assert (await api.end()).is_clean
    assert (await temporal.stop()).is_clean


async def test_api_and_worker_apart_start_together_and_share_the_database(house: House) -> None:
    temporal = await house.start("temporal", "--port", str(house.temporal_port), "--ui-port", str(house.ui_port))
    named = {"TEMPORAL_HOST": f"127.0.0.1:{house.temporal_port}"}
    # Temporal is not there yet, nor is the database.
    api = await house.start("api", "--port", str(house.api_port), **named)
    worker = await house.start("worker", **named)
    await asyncio.gather(api.line("The API is at "), worker.line("The worker takes orders from fulfillment-queue"))
    async with house.http() as client:
        order = await place(client, wait_s=30)
        assert order["status"] == "completed"
        # Without a worker an order is accepted all the same; the worker's next start fulfils it.
        assert (await worker.stop(signal.SIGINT)).is_clean
        placed = await place(client)
        assert (await client.get(f"/orders/{placed['order_id']}")).json()["status"] == "running"
        worker = await house.start("worker", **named)
        assert (await ended(client, placed["order_id"]))["status"] == "completed"
    for process in (worker, api, temporal):
        assert (await process.stop()).is_clean


async def test_taken_port_is_one_line_before_anything_is_started(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", house.api_port))
        taken.listen()
        ends = await asyncio.gather(
            *(house.run(name, "--port", str(house.api_port)) for name in ("api", "all", "demo"))
        )
    line = (
        f"flowforge: port {house.api_port} for the API is taken; "
        "stop the program that uses it or choose another one with --port\n"
    )
    assert [(end.code, end.err) for end in ends] == [(1, line)] * 3
    assert not house.database.exists()


async def test_temporal_that_was_named_and_is_away_is_one_line_after_half_a_minute(house: House) -> None:
    address = f"127.0.0.1:{house.temporal_port}"
    commands = (
        ("worker",),
        ("api", "--port", "0"),
        ("all", *house.own_ports),
        ("demo", *house.own_ports),
        ("starter",),
    )
    ends = await asyncio.gather(*(house.run(*command, TEMPORAL_HOST=address) for command in commands))
    line = (
        f"flowforge: Temporal at {address} does not answer: connection refused (tried for 30 s); "
        "start Temporal there or correct TEMPORAL_HOST\n"
    )
    assert [(end.code, end.err) for end in ends] == [(1, line)] * len(commands)


async def test_database_newer_than_the_code_is_one_line(house: House) -> None:
    assert (await house.run("migrate")).code == 0
    with sqlite3.connect(house.database) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    for command in (("migrate",), ("audit",), ("all", *house.own_ports)):
        end = await house.run(*command)
        assert end.code == 1
        assert end.err.startswith("flowforge: the database is newer than this FlowForge (its revision 9999 is unknown")
        assert end.err.count("\n") == 1


async def test_unwritable_folder_is_one_line(house: House) -> None:
    house.folder.parent.joinpath("data").write_text("a file where the folder should be")
    end = await house.run("all", *house.own_ports)
    assert end.code == 1
    assert end.err.startswith("flowforge: the folder ")
    assert end.err.count("\n") == 1


async def test_lost_temporal_file_its_open_orders_are_unwound_when_all_is_up_again(house: House) -> None:
    process = await house.start_all()
    named = {"TEMPORAL_HOST": f"127.0.0.1:{house.temporal_port}"}
    async with house.http() as client:
        placed = await place(client, payment_method="tok_networkError")
        await failed_attempt(client, placed["order_id"], 2)
    await process.stop(signal.SIGKILL)
    unchecked = await house.run("audit", **named)
    assert unchecked.code == 0
    assert "not checked" in unchecked.out
    for file in house.folder.glob("temporal.sqlite3*"):
        file.unlink()
    house.let_time_pass()
    process = await house.start_all(RECONCILE_INTERVAL_S="0")
    audited = await house.run("audit", **named)
    assert audited.code == 1
    assert placed["order_id"] in audited.out
    await process.stop()
    process = await house.start_all(RECONCILE_INTERVAL_S="1")
    async with house.http() as client:
        order = await ended(client, placed["order_id"])
    assert (order["status"], order["failure_code"]) == ("failed", "abandoned")
    assert (await house.run("audit", **named)).code == 0
    stopped = await process.stop()
    assert "Temporal has lost its state, or is another one than before" in stopped.err


async def test_reload_starts_again_on_the_same_temporal(house: House) -> None:
    process = await house.start("all", *house.own_ports, "--reload")
    await process.line("The API is at ")
    async with house.http() as client:
        placed = await place(client, wait_s=30)
    os.utime(reload.__file__)
    await process.line("The API is at ")
    async with house.http() as client:
        assert (await client.get(f"/orders/{placed['order_id']}")).json()["status"] == "completed"
        assert (await place(client, wait_s=30))["status"] == "completed"
    stopped = await process.stop(signal.SIGINT)
    assert stopped.is_clean, stopped
    assert "code changed: starting again" in stopped.err
