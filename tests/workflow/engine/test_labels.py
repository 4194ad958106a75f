"""What Temporal shows of a run: lists that find it by definition, status and tenant, steps by name, its state."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from temporalio.api.enums.v1 import EventType, IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, RemoveSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError

from flowforge.engine.idempotency import start_id, undo_run_id, unwinding_id
from flowforge.engine.labels import DEFINITION, LABELS, STATUS, TENANT
from flowforge.engine.retries import RetryWish
from flowforge.temporal.attributes import Keywords
from flowforge.temporal.namespace import provide_namespace
from tests.workflow.engine.stage import OPTIONS, Gate, Stage, open_stage
from tests.workflow.engine.test_abandoned import terminated, turn, unwound
from tests.workflow.engine.test_runs import UNDO, chain, refuse

WAIT = {"steps": [{"id": "ask", "action": "wait", "params": {"event": "answer"}}]}


@pytest.fixture
async def bare(client: Client) -> Client:
    """A connection to a namespace without search attributes of anybody's, known everywhere."""
    host, name = client.service_client.config.target_host, f"bare-{uuid.uuid4()}"
    bare = await Client.connect(host, namespace=name, data_converter=client.data_converter)
    await provide_namespace(bare)
    await until(lambda: answers(bare))
    return bare


async def answers(client: Client) -> bool:
    """Tell whether the namespace is known already."""
    try:
        await client.count_workflows()
    except RPCError:
        return False
    return True


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what nobody tells of: Temporal's lists and namespaces lag."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  nobody sets an event
            await asyncio.sleep(0.05)


async def described(stage: Stage, name: str) -> WorkflowExecutionDescription:
    """Return a run as Temporal describes it."""
    return await stage.client.get_workflow_handle(name).describe()


async def labels(stage: Stage, name: str) -> tuple[str | None, str | None, str | None]:
    """Return a run's definition, status and tenant, as Temporal describes it."""
    found = (await described(stage, name)).typed_search_attributes
    return found.get(DEFINITION), found.get(STATUS), found.get(TENANT)


async def status(stage: Stage, name: str) -> str | None:
    """Return the status that Temporal describes a run by."""
    return (await labels(stage, name))[1]


async def until_told(stage: Stage, name: str, expected: str) -> None:
    """Wait until Temporal describes a run by a status."""

    async def is_told() -> bool:
        return await status(stage, name) == expected

    await until(is_told)


async def told(stage: Stage, name: str) -> int:
    """Return how often a run has told its status."""
    history = await stage.client.get_workflow_handle(name).fetch_history()
    kinds = Counter(event.event_type for event in history.events)
    return kinds[EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES]


async def summaries(stage: Stage, name: str) -> list[str]:
    """Return what Temporal's UI calls the activities and timers of a run."""
    events = (await stage.client.get_workflow_handle(name).fetch_history()).events
    found = [event.user_metadata.summary for event in events if event.user_metadata.HasField("summary")]
    decoded = await stage.client.data_converter.decode(found)
    return [text for text in decoded if not text.startswith("note ")]


async def test_lists_find_a_run_by_definition_status_and_tenant(stage: Stage) -> None:
    tenant = f"shop-{uuid.uuid4()}"
    run = await stage.begin(chain("a"), tenant_id=tenant)
    record = await stage.end(run)
    for query in (
        f"{DEFINITION.name} = '{record.workflow_id}'",
        f"{TENANT.name} = '{tenant}' AND {STATUS.name} = 'completed'",
    ):

        async def is_found(query: str = query) -> bool:
            return [found.id async for found in stage.client.list_workflows(query)] == [run]

        await until(is_found)


async def test_run_tells_of_what_lasts(stage: Stage) -> None:
    gate = stage.actions.plays["b"] = Gate()
    body = {"steps": [*WAIT["steps"], {"id": "b", "action": "do", "dependsOn": ["ask"]}]}
    run = await stage.begin(body)
    await stage.rows.until_status("waiting")
    await until_told(stage, run, "waiting")
    await stage.control.signal(run, "answer", None)
    await gate.reached.wait()
    await until_told(stage, run, "running")
    await stage.control.pause(run)
    await until_told(stage, run, "paused")
    await stage.control.resume(run, None)
    await until_told(stage, run, "running")
    gate.opened.set()
    await stage.end(run)
    assert (await status(stage, run), await told(stage, run)) == ("completed", 5)


async def test_run_that_completes_tells_once_however_often_it_waits_a_moment(stage: Stage) -> None:
    body = chain("a", "b", "c", "d", undo=False)
    for step in body["steps"]:
        step["wait"] = "10ms"
    run = await stage.begin(body)
    assert (await stage.end(run)).status == "completed"
    assert (await status(stage, run), await told(stage, run)) == ("completed", 1)


async def test_run_that_is_undone_tells_twice(stage: Stage) -> None:
    stage.actions.plays["c"] = refuse
    run = await stage.begin(chain("a", "b", "c"))
    assert (await stage.end(run)).status == "compensated"
    assert (await status(stage, run), await told(stage, run)) == ("compensated", 2)


async def test_run_that_needs_attention_is_found_as_such(stage: Stage) -> None:
    stage.actions.plays |= {"b": refuse, "undo a": refuse}
    run = await stage.begin(chain("a", "b"))
    await stage.rows.until_status("needs_attention")
    await until_told(stage, run, "needs_attention")
    await stage.control.write_off(run, "a", by="ann", reason="gone")
    assert (await stage.end(run)).status == "compensated"
    assert await status(stage, run) == "compensated"


async def test_child_and_its_undo_carry_their_own_definition_and_their_parents_tenant(stage: Stage) -> None:
    await stage.definitions.publish(json.dumps({"id": "kid", **chain("x")}))
    child = {"id": "k", "action": "workflow", "params": {"workflowId": "kid"}}
    stage.actions.plays["b"] = refuse
    run = await stage.begin({"steps": [child, {"id": "b", "action": "do", "dependsOn": ["k"]}]}, tenant_id="acme")
    assert (await stage.end(run)).status == "compensated"
    (kid,) = [each for each in await stage.reads.list(limit=10) if each.parent_execution_id == run]
    assert await labels(stage, kid.execution_id) == ("kid", "completed", "acme")
    assert await labels(stage, undo_run_id(kid.execution_id)) == ("kid", "cancelled", "acme")


async def test_run_that_goes_on_in_another_one_keeps_its_labels(client: Client, sqlite_url: str) -> None:
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, longest_history=20)) as stage:
        run = await stage.begin(chain(*"abcdef"), tenant_id="acme")
        record = await stage.end(run)
        found = await described(stage, run)
        assert found.run_id != found.raw_description.workflow_execution_info.first_run_id
        assert await labels(stage, run) == (record.workflow_id, "completed", "acme")


async def test_run_that_begins_again_has_labels_too(stage: Stage) -> None:
    stage.actions.plays["b"] = refuse
    run = await stage.begin(chain("a", "b", undo=False), tenant_id="acme")
    record = await stage.end(run)
    del stage.actions.plays["b"]
    await stage.retries.retry(run, RetryWish())
    assert (await stage.end(run)).status == "completed"
    assert await labels(stage, run) == (record.workflow_id, "failed", "acme")
    assert await labels(stage, start_id(run, 2)) == (record.workflow_id, "completed", "acme")


async def test_run_that_is_undone_from_outside_has_labels_too(warm: Stage) -> None:
    run, gate = await terminated(warm, chain("a", "b"), "b", tenant_id="acme")
    await turn(warm)
    gate.opened.set()
    record = await unwound(warm, run)
    assert await labels(warm, unwinding_id(run)) == (record.workflow_id, "compensated", "acme")


async def test_steps_are_shown_by_name_and_the_run_by_its_definitions(stage: Stage) -> None:
    charge = {"id": "charge", "name": "Charge the card", "action": "do", "wait": "10ms", "compensation": UNDO}
    each = {"id": "each", "action": "do", "forEach": {"items": [1, 2]}, "dependsOn": ["charge"], "compensation": UNDO}
    stage.actions.plays["each[1]"] = refuse
    run = await stage.begin({"name": "An order", "steps": [charge, each]})
    record = await stage.end(run)
    assert record.status == "compensated"
    assert sorted(set(await summaries(stage, run))) == [
        "An order, revision 1",
        "Charge the card",
        "Charge the card waits",
        "each[0]",
        "each[1]",
        "the next waits for undo Charge the card",
        "the next waits for undo each[0]",
        "the next waits for undo each[1]",
        "undo Charge the card",
        "undo each[0]",
        "undo each[1]",
    ]
    found = await described(stage, run)
    assert await found.static_summary() == "An order, revision 1"
    assert (await found.memo())["workflowId"] == record.workflow_id
    shown = await stage.client.get_workflow_handle(run).query("__temporal_workflow_metadata")
    assert shown.current_details.splitlines() == [
        "**compensated**: An order, revision 1",
        "",
        "- done: charge",
        "- failed: each",
        "- undone: each, charge",
        "- because: the answer is no",
    ]


async def test_namespace_without_room_for_them_runs_are_run_without(bare: Client, sqlite_url: str) -> None:
    others = {f"Theirs{number}": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for number in range(8)}
    await bare.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=bare.namespace, search_attributes=others)
    )
    async with open_stage(bare, sqlite_url) as stage:
        run = await stage.begin(chain("a"), tenant_id="acme")
        assert (await stage.end(run)).status == "completed"
        assert (await labels(stage, run), await told(stage, run)) == ((None, None, None), 0)


async def test_namespace_that_has_lost_them_gets_them_again_with_the_next_start(bare: Client, sqlite_url: str) -> None:
    async with open_stage(bare, sqlite_url) as stage:
        first = await stage.begin(chain("a"))
        await stage.end(first)
        assert await status(stage, first) == "completed"
        await bare.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(namespace=bare.namespace, search_attributes=LABELS)
        )
        again = await stage.begin(chain("a"))
        await stage.end(again)
        assert await status(stage, again) == "completed"


async def test_attribute_of_another_type_is_left_as_it_is(bare: Client) -> None:
    text = {LABELS[0]: IndexedValueType.INDEXED_VALUE_TYPE_TEXT}
    await bare.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=bare.namespace, search_attributes=text)
    )
    assert not await Keywords(*LABELS).provide(bare)
