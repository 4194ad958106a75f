"""Records runs of definitions as this code runs them: every case of the engine, and every way through its shell."""

import asyncio
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client

from tests.engine_cases.temporal import Theatre, open_theatre
from tests.engine_cases.test_cases import CASES, LOCAL, Named
from tests.replay import run_file
from tests.replay.run_ways import WAYS, Way
from tests.workflow.engine.stage import open_stage

_AT_ONCE: Final = 3
_WITHIN_S: Final = 120


def cases(*, fenced: bool) -> Mapping[str, Named]:
    """Return the cases by the names of their recorded runs; with `fenced`, those that may run in a workflow task."""
    return {f"{case.name} (fenced)": case for case in LOCAL} if fenced else {case.name: case for case in CASES}


async def record_runs(version: str, client: Client, empty: Path) -> None:
    """Record what a version has not recorded yet.

    Args:
        version: whose runs they are.
        client: connected to Temporal.
        empty: a database that is up to date.
    """
    known, places = run_file.read(version), asyncio.Semaphore(_AT_ONCE)

    def url() -> str:
        return f"sqlite:///{shutil.copy(empty, empty.with_name(f'{uuid.uuid4()}.sqlite3'))}"

    async def walk(name: str, way: Way) -> None:
        async with places, asyncio.timeout(_WITHIN_S), open_stage(client, url(), options=way.options) as stage:
            known[name] = await _histories(client, await way.walk(stage))
            print(name, flush=True)

    await asyncio.gather(*(walk(name, way) for name, way in WAYS.items() if name not in known))
    run_file.write(version, known)
    for fenced in (False, True):
        names = cases(fenced=fenced)
        async with open_theatre(client, url(), fenced=fenced) as theatre:

            async def play(name: str, case: Named, theatre: Theatre = theatre) -> None:
                await theatre.play(case.name, case.play)
                known[name] = await _histories(client, [theatre.runs[case.name]])
                print(name, flush=True)

            await asyncio.gather(*(play(name, case) for name, case in names.items() if name not in known))
        run_file.write(version, known)


async def _histories(client: Client, names: Sequence[str]) -> list[Any]:
    """Return the histories of workflows, of what went on for them, and of what they have started."""
    found, runs = [], [(name, await _first_run(client, name)) for name in names]
    for name, run_id in runs:  # it grows meanwhile
        history = await client.get_workflow_handle(name, run_id=run_id).fetch_history()
        found.append({"workflowId": name, **json.loads(history.to_json())})
        for event in history.events:
            if event.HasField("child_workflow_execution_started_event_attributes"):
                child = event.child_workflow_execution_started_event_attributes.workflow_execution
                runs.append((child.workflow_id, child.run_id))
            if event.HasField("workflow_execution_continued_as_new_event_attributes"):
                run = event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
                runs.append((name, run))
    return found


async def _first_run(client: Client, name: str) -> str:
    described = await client.get_workflow_handle(name).describe()
    return described.raw_description.workflow_execution_info.first_run_id
