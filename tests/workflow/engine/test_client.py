"""The Python client against the application behind a real socket, on a real Temporal and either database."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from flowforge.api.app import create_app
from flowforge.client import FlowForge, WaitTimeout
from flowforge.engine.store.records import ENDED as ENDED_ON_THE_SERVER
from flowforge.errors import FlowForgeError
from flowforge.remote import following
from flowforge.remote.answers import ENDED, Execution
from flowforge.remote.problems import ApiConflict, ApiInvalid, ApiNotFound, NotUnderstood, Unreachable
from tests.integration.http.served import served
from tests.workflow.engine.pair import BODY
from tests.workflow.engine.relay import Relay, relay
from tests.workflow.engine.served import services_of
from tests.workflow.engine.stage import Gate, Stage
from tests.workflow.engine.test_runs import refuse

_NOBODY = f"exec-{'0' * 32}"
_YAML = """\
id: pair
name: A pair
steps:
  - {id: a, action: do, compensation: {action: undo}}
  - {id: b, action: do, dependsOn: [a]}
output: ${b.did}
"""


@pytest.fixture
async def port(warm: Stage) -> AsyncIterator[int]:
    """Where the application answers."""
    services = services_of(warm)
    async with served(create_app(services)) as port:
        yield port
        assert services.engine is not None
        services.engine.feed.close()


@pytest.fixture
async def flowforge(port: int) -> AsyncIterator[FlowForge]:
    """The client."""
    async with FlowForge(f"http://127.0.0.1:{port}/") as flowforge:
        yield flowforge


@pytest.fixture
async def between(port: int) -> AsyncIterator[Relay]:
    """A relay before the application."""
    async with relay(port) as between:
        yield between


async def test_definition_is_taken_as_mapping_text_and_file(flowforge: FlowForge, tmp_path: Path) -> None:
    first = await flowforge.register(BODY)
    assert (first.id, first.revision, first.created) == ("pair", 1, True)
    text = await flowforge.register(_YAML)
    assert (text.revision, text.created) == (2, True)
    file = tmp_path / "pair.yaml"
    file.write_text(_YAML)
    assert not (await flowforge.register(file)).created
    assert (await flowforge.register(str(file))).revision == 2
    assert (await flowforge.register(json.dumps(BODY))).revision == 3
    got = await flowforge.get_definition("pair", revision=2, form="canonical")
    assert (got.revision, got.definition["steps"][1]["dependsOn"]) == (2, ["a"])
    assert (await flowforge.get_definition("pair")).definition == BODY
    assert [each.id for each in await flowforge.list_definitions()] == ["pair"]
    assert got.created_at.tzinfo is not None


async def test_deleted_definition_starts_no_runs(flowforge: FlowForge) -> None:
    await flowforge.register(BODY)
    await flowforge.delete_definition("pair")
    assert await flowforge.list_definitions() == []
    with pytest.raises(ApiConflict, match="was deleted") as refused:
        await flowforge.start("pair")
    assert (refused.value.code, refused.value.status) == ("conflict", 409)


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


async def test_all_findings_of_a_definition_are_told(flowforge: FlowForge) -> None:
    text = _YAML.replace("dependsOn: [a]", "dependsOn: [q], condition: '1 +'")
    with pytest.raises(ApiInvalid) as refused:
        await flowforge.register(text)
    assert (refused.value.code, refused.value.status) == ("definition_invalid", 422)
    assert [(each.code, each.pointer, each.line) for each in refused.value.findings] == [
        ("FF-1004", "/steps/1/dependsOn/0", 5),
        ("FF-1010", "/steps/1/condition", 5),
    ]
    assert str(refused.value.findings[0]).startswith('5:37: FF-1004 unknown dependency "q"')
    assert refused.value.request_id is not None


async def test_warning_is_told_and_refused_where_that_is_asked_for(flowforge: FlowForge) -> None:
    undo = {"action": "u", "params": "${undo.result.x}"}
    body = {"id": "w", "steps": [{"id": "a", "action": "do", "compensation": undo}]}
    assert [each.code for each in (await flowforge.register(body)).warnings] == ["FF-1102"]
    with pytest.raises(ApiInvalid):
        await flowforge.register(body, strict=True)


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


async def test_definition_that_cannot_be_sent_is_told_of(flowforge: FlowForge, tmp_path: Path) -> None:
    with pytest.raises(FlowForgeError, match=r"none\.yaml: No such file"):
        await flowforge.register(tmp_path / "none.yaml")
    with pytest.raises(FlowForgeError, match="no JSON"):
        await flowforge.register({"id": object()})


def test_ended_means_what_it_means_to_the_server() -> None:

    assert ENDED == ENDED_ON_THE_SERVER
