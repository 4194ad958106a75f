"""The Python client against the application behind a real socket, on a real Temporal and either database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from flowforge.client import FlowForge, WaitTimeout
from flowforge.engine.store.records import ENDED as ENDED_ON_THE_SERVER
from flowforge.remote import following
from flowforge.remote.answers import ENDED, Execution
from flowforge.remote.problems import ApiConflict, ApiInvalid, ApiNotFound, NotUnderstood, Unreachable
from tests.workflow.engine.pair import BODY
from tests.workflow.engine.relay import Relay, relay
from tests.workflow.engine.stage import Gate, Stage
from tests.workflow.engine.test_runs import refuse

_NOBODY = f"exec-{'0' * 32}"


@pytest.fixture
async def between(port: int) -> AsyncIterator[Relay]:
    """A relay before the application."""
    async with relay(port) as between:
        yield between


async def test_run_is_started_awaited_and_told(flowforge: FlowForge) -> None:
    await flowforge.register(BODY)
    wish: dict[str, Any] = {"metadata": {"team": "x"}, "idempotency_key": "k", "idempotency_ttl": timedelta(hours=1)}
    started = await flowforge.start("pair", {"n": 1}, timeout="30s", **wish)
    run = await flowforge.wait(started.execution_id, timeout_s=30)
    assert (run.status, run.is_over, run.output, run.completed_steps) == ("completed", True, "b", ("a", "b"))
    assert (run.step_results["a"].result, run.step_results["a"].attempts) == ({"did": "a"}, 1)
    assert run.context == {"n": 1, "a": {"did": "a"}, "b": {"did": "b"}}
    again = await flowforge.start("pair", {"n": 1}, timeout="30s", **wish)
    assert (again.execution_id, again.created) == (started.execution_id, False)
    history = await flowforge.history(run.execution_id)
    assert (history[0].step_id, history[-1].status) == ("a", "completed")
    assert [event async for event in flowforge.events(run.execution_id)] == history
    assert [event async for event in flowforge.events(run.execution_id, after=history[-1].id)] == []
    since = datetime.now(UTC) - timedelta(minutes=5)
    listed = await flowforge.list_executions(
        workflow_id="pair", status="completed", metadata=("team", "x"), since=since
    )
    assert [each.execution_id for each in listed] == [run.execution_id]
    assert await flowforge.list_executions(since=since + timedelta(hours=1)) == []


async def test_run_is_read_back_as_the_api_has_it(flowforge: FlowForge, http: httpx2.AsyncClient, warm: Stage) -> None:
    warm.actions.plays["b"] = refuse
    wait = {"id": "w", "action": "wait", "params": {"event": "go", "timeout": "1d"}, "dependsOn": ["a"]}
    body = {**BODY, "steps": [BODY["steps"][0], wait, {**BODY["steps"][1], "dependsOn": ["w"]}]}
    await flowforge.register(body)
    run_id = (await flowforge.start("pair")).execution_id
    await warm.rows.until_status("waiting")

    async def same() -> Execution:
        run, raw = await flowforge.status(run_id), (await http.get(f"/executions/{run_id}")).json()
        assert {**run.as_json(), "duration": raw["duration"]} == raw
        return run

    waiting = (await same()).waiting[0]
    assert waiting.event == "go"
    assert waiting.wake_at is not None
    assert waiting.wake_at.microsecond % 1000 == 0
    assert (await flowforge.signal(run_id, "go", {"yes": 1})).execution_id == run_id
    run = await flowforge.wait(run_id, timeout_s=30)
    assert (run.status, [undo.status for undo in run.compensations]) == ("compensated", ["done", "done"])
    assert run.error is not None
    assert (run.error.step, run.step_results["w"].result) == ("b", {"yes": 1})
    await same()


async def test_run_is_held_goes_on_and_is_called_off(flowforge: FlowForge, warm: Stage) -> None:
    gate = warm.actions.plays["a"] = Gate()
    await flowforge.register(BODY)
    run_id = (await flowforge.start("pair")).execution_id
    await gate.reached.wait()
    assert (await flowforge.pause(run_id)).status == "paused"
    assert (await flowforge.resume(run_id)).status == "running"
    assert (await flowforge.cancel(run_id, reason="no more", source="ada")).reason == "ada: no more"
    run = await flowforge.wait(run_id, timeout_s=30)
    assert (run.status, run.cancel_reason) == ("cancelled", "ada: no more")
    with pytest.raises(ApiConflict, match="cancelled"):
        await flowforge.pause(run_id)


async def test_operator_decides_about_undos_and_held_runs(flowforge: FlowForge, warm: Stage) -> None:
    warm.actions.plays |= {"b": refuse, "undo a": refuse}
    await flowforge.register({**BODY, "failurePolicy": "hold"})
    run_id = (await flowforge.start("pair")).execution_id
    await warm.rows.until_status("needs_attention")
    await flowforge.compensate(run_id)
    await warm.rows.until(lambda save: save.status == "needs_attention" and save.turn > 5)
    await flowforge.retry_compensation(run_id, "a")
    await warm.rows.until(lambda save: save.status == "needs_attention" and save.turn > 7)
    await flowforge.write_off(run_id, "a", by="ada", reason="gone")
    run = await flowforge.wait(run_id, timeout_s=30)
    assert "ada: gone" in [undo.written_off for undo in run.compensations]


async def test_held_run_goes_on_with_an_edit_and_is_replayed(flowforge: FlowForge, warm: Stage) -> None:
    warm.actions.plays["b"] = refuse
    body = {**BODY, "failurePolicy": "hold", "output": "${to}"}
    await flowforge.register(body)
    run_id = (await flowforge.start("pair", {"to": "nowhere"})).execution_id
    await warm.rows.until_status("needs_attention")
    del warm.actions.plays["b"]
    assert (await flowforge.retry(run_id, from_step="b", context={"to": "Ghent"})).execution_id == run_id
    assert (await flowforge.wait(run_id, timeout_s=30)).output == "Ghent"
    replayed = await flowforge.replay(run_id, idempotency_key="again")
    again = await flowforge.replay(run_id, idempotency_key="again")
    assert (replayed.created, again.created, again.execution_id) == (True, False, replayed.execution_id)
    run = await flowforge.wait(replayed.execution_id, timeout_s=30)
    assert (run.replay_of, run.output) == (run_id, "nowhere")
    assert (await flowforge.status(run_id)).replays == (replayed.execution_id,)


async def test_run_that_was_undone_starts_over_with_an_edit_and_another_revision(
    flowforge: FlowForge, warm: Stage
) -> None:
    warm.actions.plays["b"] = refuse
    await flowforge.register(BODY)
    run_id = (await flowforge.start("pair", {"to": "nowhere"})).execution_id
    assert (await flowforge.wait(run_id, timeout_s=30)).status == "compensated"
    del warm.actions.plays["b"]
    await flowforge.register({**BODY, "output": "${to}"})
    retried = await flowforge.retry(run_id, context={"to": "Ghent"}, revision=2)
    assert (retried.execution_id, retried.generation, retried.revision, retried.created) == (run_id, 2, 2, True)
    run = await flowforge.wait(run_id, timeout_s=30)
    assert (run.status, run.output, run.generation) == ("completed", "Ghent", 2)
    with pytest.raises(ApiConflict, match="the run is completed"):
        await flowforge.retry(run_id)


async def test_input_that_is_not_as_the_schema_says_is_located(flowforge: FlowForge) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await flowforge.register({**BODY, "inputSchema": schema})
    with pytest.raises(ApiInvalid) as refused:
        await flowforge.start("pair", {"n": "x"})
    assert [each.pointer for each in refused.value.findings] == ["/context/n"]


async def test_what_does_not_exist_is_not_found(flowforge: FlowForge) -> None:
    for asking in (
        flowforge.status(_NOBODY),
        flowforge.history(_NOBODY),
        flowforge.wait(_NOBODY),
        flowforge.cancel(_NOBODY),
        flowforge.get_definition("nobody"),
        flowforge.delete_definition("nobody"),
        flowforge.start("nobody"),
    ):
        with pytest.raises(ApiNotFound) as missing:
            await asking
        assert (missing.value.code, missing.value.status) == ("not_found", 404)


async def test_run_that_takes_longer_than_one_waits_goes_on(flowforge: FlowForge, warm: Stage) -> None:
    gate = warm.actions.plays["a"] = Gate()
    await flowforge.register(BODY)
    run_id = (await flowforge.start("pair")).execution_id
    await gate.reached.wait()
    with pytest.raises(WaitTimeout, match=r"^exec-\w+ has not ended within 0.05 s; it goes on$"):
        await flowforge.wait(run_id, timeout_s=0.05)
    gate.opened.set()
    assert (await flowforge.wait(run_id)).status == "completed"


async def test_waiting_outlives_a_stream_that_is_cut_and_a_server_that_is_away(between: Relay, warm: Stage) -> None:
    gate = warm.actions.plays["b"] = Gate()
    async with FlowForge(f"http://127.0.0.1:{between.port}") as flowforge:
        await flowforge.register(BODY)
        run_id = (await flowforge.start("pair")).execution_id
        seen: list[int] = []
        caught_up = asyncio.Event()

        async def watch() -> None:
            async for event in flowforge.events(run_id):
                seen.append(event.id)
                if (event.step_id, event.status) == ("b", "running"):
                    caught_up.set()

        watching = asyncio.create_task(watch())
        waiting = asyncio.create_task(flowforge.wait(run_id, timeout_s=60))
        await caught_up.wait()
        before = len(seen)
        between.cut()
        gate.opened.set()
        await warm.end(run_id)
        await between.open()
        assert (await waiting).status == "completed"
        await watching
        assert seen == [event.id for event in await flowforge.history(run_id)]
        streams = await between.asked(f"get /executions/{run_id}/events")
        assert f"last-event-id: {before}" in streams[-1] + streams[-2]


async def test_server_that_is_not_there_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FIRST_S", 0)
    async with FlowForge("http://127.0.0.1:1", hint="start it") as flowforge:
        for asking in (flowforge.register(BODY), flowforge.status(_NOBODY), flowforge.wait(_NOBODY)):
            with pytest.raises(Unreachable, match=r"^the API at http://127.0.0.1:1 does not answer \(.+\? start it$"):
                await asking


async def test_server_that_is_something_else_is_told_of() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    async with server, FlowForge(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as flowforge:
        with pytest.raises(NotUnderstood, match=r"^the server's answer is no Execution: executionId: Field required$"):
            await flowforge.status(_NOBODY)


def test_ended_means_what_it_means_to_the_server() -> None:

    assert ENDED == ENDED_ON_THE_SERVER
