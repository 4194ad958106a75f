"""A definition's webhooks: written with the turn that they tell of, delivered beside it, in order, signed, again."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import Connection, update

from flowforge.engine.actions.signing import is_genuine
from flowforge.engine.audit import audit
from flowforge.engine.contracts import RunRequest
from flowforge.engine.delivery import AT_ONCE, WebhookDelivery
from flowforge.engine.saving import EventStatus, SaveRun, StepChange, Transition
from flowforge.engine.store.rows import RunRows
from flowforge.persistence.database import Database
from flowforge.persistence.leases import new_holder
from flowforge.persistence.tables.engine import WEBHOOK_OUTBOX
from flowforge.security.egress import EgressPolicy
from flowforge.security.outbound import outbound_client

KEY = b"0123456789abcdef0123456789abcdef"
RUN = "exec-1"
NOW = datetime.now(UTC).isoformat()


class Server(ThreadingHTTPServer):
    """One that as many can call at once as do."""

    request_queue_size = 64
    daemon_threads = True


class Address:
    """A small real server.

    Attributes:
        answers: the statuses of the next answers; 200 when there is none left.
        got: the headers and the body of each request.
        held: how many of the next requests get no answer until `released`.
        is_full: set when all these have come.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.held = 0
        self.is_full = threading.Event()
        self.released = threading.Event()
        self._lock = threading.Lock()
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                address.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if address.holds():
                    address.released.wait()
                self.send_response(address.answers.pop(0) if address.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def holds(self) -> bool:
        """Tell whether a request that has come is held."""
        with self._lock:
            is_held = self.held > 0
            self.held -= is_held
            if is_held and not self.held:
                self.is_full.set()
        return is_held

    @property
    def told(self) -> list[dict[str, Any]]:
        """The bodies, read."""
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def address() -> Iterator[Address]:
    """Where webhooks go."""
    address = Address()
    serving = threading.Thread(target=address.server.serve_forever, daemon=True)
    serving.start()
    yield address
    address.released.set()
    address.server.shutdown()
    serving.join()
    address.server.server_close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(database_url)
    yield database
    await database.close()


@asynccontextmanager
async def delivering(database: Database, **how: Any) -> AsyncIterator[WebhookDelivery]:
    """A process that delivers, and tries again at once."""
    known: dict[str, Any] = {"holder": new_holder(), "lasts": timedelta(0), "pauses": [timedelta(0)] * 2}
    async with outbound_client(EgressPolicy.parse("127.0.0.1"), timeout_s=5) as client:
        yield WebhookDelivery(client, database, [KEY], **{**known, **how})


async def play(
    database: Database,
    *events: tuple[str | None, EventStatus],
    url: str,
    first: int = 1,
    name: str = RUN,
    at: str = NOW,
) -> None:
    """Write a turn with these events, as a run does."""
    run = RunRequest(execution_id=name, workflow_id="w", revision=1, definition={}, input={}, accepted_at=NOW)
    status = next((status for step, status in reversed(events) if step is None), "running")
    steps = {step: status for step, status in events if step is not None}
    rows = RunRows(database)
    await rows.save(
        SaveRun(
            execution_id=name,
            run_id="r",
            history=3,
            turn=first,
            at=at,
            status=status,  # type: ignore[arg-type]  # the last one that is the run's own
            opening=run,
            output={"total": 7} if status == "completed" else None,
            steps=tuple(StepChange(step_id=step, view="success", status="succeeded", result=step) for step in steps),
            events=tuple(
                Transition(id=first + place, status=status, at=at, step_id=step)
                for place, (step, status) in enumerate(events)
            ),
            is_over=status == "completed",
            hooks={"onComplete": url, "onStep": url},
        )
    )


async def test_run_completes_its_address_is_told_of_each_step_and_of_the_end_in_order(
    database: Database, address: Address
) -> None:
    await play(database, (None, "running"), ("a", "running"), ("a", "success"), url=address.url)
    await play(database, ("b", "success"), (None, "completed"), url=address.url, first=4)
    async with delivering(database) as ours:
        while await ours.turn():
            pass
    assert [(told["type"], told["stepId"], told["status"], told["data"]) for told in address.told] == [
        ("workflow.step", "a", "success", {"result": "a", "error": None}),
        ("workflow.step", "b", "success", {"result": "b", "error": None}),
        ("workflow.completed", None, "completed", {"total": 7}),
    ]
    assert all(told["executionId"] == RUN and told["workflowId"] == "w" for told in address.told)
    for headers, body in address.got:
        assert is_genuine([KEY], headers, body, now=datetime.now(UTC))
        assert headers["webhook-id"] == json.loads(body)["id"]


async def test_address_fails_first_it_is_told_again_with_the_same_id_before_anything_later(
    database: Database, address: Address
) -> None:
    address.answers = [503, 404]
    await play(database, ("a", "success"), ("b", "success"), url=address.url)
    async with delivering(database) as ours:
        while await ours.turn():
            pass
    assert [told["stepId"] for told in address.told] == ["a", "a", "a", "b"]
    assert len({told["id"] for told in address.told}) == 2


async def test_address_never_takes_it_it_is_given_up_and_listed_and_the_next_ones_are_told(
    database: Database, address: Address
) -> None:
    address.answers = [500] * 3
    await play(database, ("a", "success"), ("b", "success"), url=address.url)
    async with delivering(database) as ours:
        while await ours.turn():
            pass
    assert [told["stepId"] for told in address.told] == ["a"] * 3 + ["b"]
    [listed] = [each for each in await database.read(audit) if each.check.name.startswith("webhooks of runs")]
    assert listed.examples == (f"{RUN} 1",)


async def test_process_dies_between_the_end_and_the_delivery_another_one_delivers(
    database: Database, address: Address
) -> None:
    async with delivering(database, lasts=timedelta(seconds=0.3)) as first:
        assert await first.turn() == 0  # it has the lease, and is never heard of again
    await play(database, (None, "completed"), url=address.url)
    async with delivering(database) as second:
        async with asyncio.timeout(20):
            while not await second.turn():  # noqa: ASYNC110 -- the lease expires by the database's clock
                await asyncio.sleep(0.05)
    assert [told["type"] for told in address.told] == ["workflow.completed"]


async def test_two_processes_one_delivers(database: Database, address: Address) -> None:
    await play(database, (None, "completed"), url=address.url)
    async with delivering(database, lasts=timedelta(minutes=5)) as first, delivering(database) as second:
        assert await first.turn() == 1
        await play(database, ("a", "success"), url=address.url, first=9)
        assert await second.turn() == 0


@pytest.mark.parametrize("lasts", [timedelta(minutes=5), timedelta(0)], ids=["keeps it", "loses it again"])
async def test_another_process_takes_over_during_a_turn_what_is_left_of_the_turn_is_not_sent(
    database: Database, address: Address, lasts: timedelta
) -> None:
    address.held = AT_ONCE
    for at in range(AT_ONCE):
        await play(database, (None, "completed"), url=address.url, name=f"exec-held-{at}")
    late = datetime.now(UTC).isoformat()  # `a` is the last one of the turn
    await play(database, ("a", "success"), ("b", "success"), url=address.url, at=late)
    async with delivering(database) as first, delivering(database, lasts=lasts) as second:
        turn = asyncio.create_task(first.turn())
        assert await asyncio.to_thread(address.is_full.wait, 20)  # its lease has expired, and it has `a` left
        while await second.turn():
            pass
        address.released.set()
        sent = await turn
    assert [told["stepId"] for told in address.told if told["executionId"] == RUN] == ["a", "b"]
    assert sent == AT_ONCE


async def test_turn_outlasts_its_lease_and_nobody_takes_over_it_is_renewed_and_all_is_sent(
    database: Database, address: Address
) -> None:
    for at in range(3 * AT_ONCE):
        await play(database, (None, "completed"), url=address.url, name=f"exec-{at}")
    async with delivering(database) as ours:
        assert await ours.turn() == 3 * AT_ONCE
    assert len({told["id"] for told in address.told}) == len(address.told) == 3 * AT_ONCE


async def test_one_message_cannot_be_made_the_turn_ends_when_all_others_are_sent(
    database: Database, address: Address
) -> None:
    """Else the next turn would send what this one still sends."""

    def spoil(connection: Connection) -> None:
        connection.execute(update(WEBHOOK_OUTBOX).where(WEBHOOK_OUTBOX.c.execution_id == RUN).values(payload={}))

    await play(database, (None, "completed"), url=address.url)
    await database.write(spoil)
    for at in range(2 * AT_ONCE):
        await play(database, (None, "completed"), url=address.url, name=f"exec-other-{at}")
    async with delivering(database) as ours:
        with pytest.raises(KeyError):
            await ours.turn()
    assert len(address.told) == 2 * AT_ONCE


async def test_turn_is_told_anew_what_the_discarded_one_told_is_replaced(database: Database, address: Address) -> None:
    await play(database, ("a", "success"), ("b", "success"), url=address.url)
    await play(database, ("a", "failed"), url=address.url)
    async with delivering(database) as ours:
        while await ours.turn():
            pass
    assert [(told["stepId"], told["status"]) for told in address.told] == [("a", "failed")]


async def test_address_may_not_be_reached_nothing_is_sent(database: Database, address: Address) -> None:
    await play(database, (None, "completed"), url=address.url)
    async with outbound_client(EgressPolicy.parse(""), timeout_s=5) as client:
        ours = WebhookDelivery(client, database, [KEY], holder=new_holder(), lasts=timedelta(0), pauses=[])
        assert await ours.turn() == 1
    assert address.got == []
