"""What brings a waiting run on: an event, or a person who wakes it; told twice, it is once, and nothing is lost."""

from dataclasses import replace

import pytest
from temporalio.client import Client

from flowforge.errors import Conflict
from tests.workflow.engine.stage import OPTIONS, Stage, open_stage, saved
from tests.workflow.engine.test_runs import chain

NAMES = ("a", "b", "c")


async def test_resume_wakes_what_waits_with_data(stage: Stage) -> None:
    body = {"steps": [{"id": "w", "action": "wait", "params": {"event": "never"}}], "output": "${w}"}
    execution_id = await stage.begin(body)
    await stage.rows.until_status("waiting")
    await stage.control.resume(execution_id, {"by": "hand"})
    assert (await stage.end(execution_id)).output == {"by": "hand"}


async def test_event_that_comes_again_under_its_key_is_one_event(client: Client, sqlite_url: str) -> None:
    async with open_stage(client, sqlite_url, options=replace(OPTIONS, longest_history=12)) as stage:
        first, last = ({"id": name, "action": "wait", "params": {"event": "go"}} for name in ("first", "last"))
        steps = chain(*NAMES)["steps"]
        steps = [first, {**steps[0], "dependsOn": ["first"]}, *steps[1:], {**last, "dependsOn": ["c"]}]
        execution_id = await stage.begin({"steps": steps, "output": "${last}"})
        await stage.rows.until_status("waiting")
        await stage.control.signal(execution_id, "go", 1, key="k")
        await stage.rows.until(saved("last", "waiting"))  # in another run of Temporal's by now
        assert (await stage.control.signal(execution_id, "go", 2, key="k")).status == "waiting"
        await stage.control.signal(execution_id, "went", 2, key="k")
        await stage.control.signal(execution_id, "go", 3, key="another")
        assert (await stage.end(execution_id)).output == 3


async def test_run_that_is_woken_again_under_the_same_key_is_woken_once(stage: Stage) -> None:
    first, last = ({"id": name, "action": "wait", "params": {"event": name}} for name in ("first", "last"))
    execution_id = await stage.begin({"steps": [first, {**last, "dependsOn": ["first"]}], "output": "${last}"})
    await stage.rows.until_status("waiting")
    await stage.control.resume(execution_id, 1, key="k")
    await stage.rows.until(saved("last", "waiting"))
    assert (await stage.control.resume(execution_id, 2, key="k")).status == "waiting"
    await stage.control.resume(execution_id, 3)
    assert (await stage.end(execution_id)).output == 3


async def test_event_is_refused_once_many_wait_for_somebody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowforge.engine.workflow.MAX_MAIL", 2)
    execution_id = await stage.begin({"steps": [{"id": "w", "action": "wait", "params": {"event": "go"}}]})
    await stage.rows.until_status("waiting")
    for _ in range(2):
        await stage.control.signal(execution_id, "early", 1)
    with pytest.raises(Conflict, match="2 events already"):
        await stage.control.signal(execution_id, "early", 1)
    await stage.control.signal(execution_id, "go", 1)
    assert (await stage.end(execution_id)).status == "completed"
