"""`orders`: an operator's terminal against a running FlowForge."""

import json
import signal
import socket
import threading
from typing import Any

from flowforge.temporal.client import identity
from tests.e2e.processes import ORDER, Ended, House, place

REFUND = "refund_payment_by_idempotency_key"


async def orders(house: House, *arguments: str) -> Ended:
    """Run a command of `orders` as an operator does who knows nothing but where the API is."""
    elsewhere = {"FLOWFORGE_DB_PATH": str(house.folder / "none.sqlite3"), "TEMPORAL_HOST": "localhost:1"}
    return await house.run("orders", *arguments, FLOWFORGE_API_URL=f"http://127.0.0.1:{house.api_port}", **elsewhere)


async def as_json(house: House, *arguments: str) -> Any:
    """Run a command that succeeds; return the one document that it prints."""
    end = await orders(house, *arguments, "--json")
    assert (end.code, end.err) == (0, ""), end
    return json.loads(end.out)


async def test_an_operator_brings_orders_to_their_ends(house: House) -> None:
    process = await house.start_all(
        FLOWFORGE_FAULT_INJECTION="1",
        FLOWFORGE_FAULT_POINT="refuse:payments.charge.undo:before",
        UNDO_RETRY_MAX_INTERVAL_S="0.05",
    )
    async with house.http() as http:
        await place(http, wait_s=60, workflow_id="good")
        bad = {**ORDER, "workflow_id": "bad"}
        await http.post("/orders", json=bad, headers={"X-FlowForge-Fail-At": "warehouse"})
        while (await http.get("/orders/bad")).json()["status"] != "needs_attention":
            pass
        order = (await http.get("/orders/bad")).json()

    shown = await orders(house, "show", "bad", "--history")
    assert (shown.code, shown.err) == (0, "")
    assert f"main.py orders write-off bad {REFUND} --reason" in shown.out
    document = await as_json(house, "show", "bad", "--history")
    history = document.pop("history")
    assert document == order
    assert [each["outcome"] for each in history if each["undo"] == REFUND] == ["failed", "failed", "refused"]
    # The worker is named as Temporal's UI names it.
    assert {each["worker"] for each in history} == {f"{process.pid}@{identity().partition('@')[2]}"}

    refused = await orders(house, "cancel", "bad", "--reason", "not wanted")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("flowforge: it is too late to cancel: ")
    assert refused.err.count("\n") == 1
    given_up = await orders(house, "write-off", "bad", REFUND, "--reason", "paid by hand", "--by", "ada")
    assert (given_up.code, given_up.out) == (0, f"bad: {REFUND} is written off\n")
    watched = await orders(house, "watch", "bad")
    assert watched.code == 1, watched
    assert watched.out.splitlines()[-1].startswith("failed: ")
    assert f"{REFUND} written off by ada: paid by hand" in watched.out

    assert (await as_json(house, "retry", "bad"))["workflow_id"] == "bad~2"
    assert (await orders(house, "watch", "bad~2")).out.endswith("\ncompleted\n")
    assert (await orders(house, "retry", "bad")).code == 1
    assert [each["workflow_id"] for each in await as_json(house, "list")] == ["bad~2", "bad", "good"]
    assert [each["workflow_id"] for each in await as_json(house, "list", "--status", "completed")] == ["bad~2", "good"]
    assert len(await as_json(house, "list", "--limit", "2")) == 2
    listed = await orders(house, "list", "--limit", "1")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["ORDER", "bad~2", "the"]
    stats = await as_json(house, "stats")
    assert (stats["counts"]["completed"], stats["counts"]["failed"]) == (2, 1)
    assert "IN THE LAST" in (await orders(house, "stats")).out
    assert (await process.stop()).code == 0


async def test_an_order_is_held_watched_and_cancelled(house: House) -> None:
    process = await house.start_all(FLOWFORGE_FAULT_INJECTION="1", FLOWFORGE_FAULT_POINT="fail:payments.charge:before")
    async with house.http() as http:
        await place(http, workflow_id="slow")
    watching = await house.start(
        "orders", "watch", "slow", "--json", FLOWFORGE_API_URL=f"http://127.0.0.1:{house.api_port}"
    )
    assert (await as_json(house, "pause", "slow"))["workflow_id"] == "slow"
    assert (await as_json(house, "resume", "slow"))["order_id"] == "ord_w.slow"
    cancelled = await orders(house, "cancel", "slow", "--reason", "not wanted")
    assert (cancelled.code, cancelled.out) == (0, "slow is being cancelled: not wanted\n")
    end = await watching.end()
    assert (end.code, json.loads(end.out)["status"]) == (1, "cancelled")
    completed = await orders(house, "watch", "slow")
    assert completed.out.splitlines()[-1] == "cancelled: not wanted"
    assert (await process.stop()).code == 0


async def test_an_api_that_is_not_there_is_told_in_one_line(house: House) -> None:
    for command in ("list", "stats", "show ord_1", "watch ord_1", "pause ord_1"):
        end = await orders(house, *command.split())
        assert (end.code, end.out) == (1, ""), command
        assert end.err.startswith(f"flowforge: the API at http://127.0.0.1:{house.api_port} does not answer (")
        assert end.err.count("\n") == 1


async def test_a_server_that_is_something_else_is_told_in_one_line(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(page)

        answering = threading.Thread(target=answer)
        answering.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        end = await house.run("orders", "list", "--api-url", url)
        answering.join()
    assert (end.code, end.out) == (1, "")
    assert end.err == f"flowforge: {url} answered 200, and not as FlowForge does; see --api-url\n"


async def test_all_orders_are_watched_in_lines_of_json(house: House) -> None:
    await house.start_all()
    async with house.http() as http:
        await place(http, wait_s=60, workflow_id="first")
        watching = await house.start(
            "orders", "watch", "--json", FLOWFORGE_API_URL=f"http://127.0.0.1:{house.api_port}"
        )
        await watching.line('{"workflow_id": "first"')
        await place(http, wait_s=60, workflow_id="second")
        await watching.line('{"workflow_id": "second"')
    end = await watching.stop(signal.SIGINT)
    seen = [json.loads(line) for line in end.out.splitlines()]
    assert (end.code, seen[0]["workflow_id"], seen[0]["status"]) == (0, "first", "completed")
    assert {order["workflow_id"] for order in seen[1:]} == {"second"}


async def test_watching_everything_takes_a_terminal(house: House) -> None:
    end = await orders(house, "watch")
    assert (end.code, end.out) == (1, "")
    assert end.err.startswith("flowforge: watching all orders takes a terminal")
