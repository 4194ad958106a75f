"""Plays a case on a real Temporal, with the same actions as in virtual time, and tells what was seen of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Final
from unittest.mock import patch

from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError

from flowforge.engine import driver
from flowforge.engine.contracts import RetryRun
from flowforge.engine.control import RunAccepted
from flowforge.engine.core.commands import Command, Run, Undo
from flowforge.engine.core.events import Event
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import NewRun
from flowforge.engine.store.records import ENDED, RunRecord
from flowforge.engine.store.values import RunValues
from flowforge.engine.workflow import RunWorkflow
from flowforge.errors import Conflict, NotFound
from flowforge.persistence.database import Database
from flowforge.testing.documents import Act, Expectation, Play
from flowforge.testing.seen import Seen, differences
from tests.engine_cases.script import Script, Scripts
from tests.workflow.engine.stage import OPTIONS as STAGE_OPTIONS
from tests.workflow.engine.stage import REPLAYER, PlayedEffects, Stage, open_stage

OPTIONS = replace(STAGE_OPTIONS, undo_patience_s=0.3)
"""How actions are tried in both shells, where their steps do not say."""

_AT_ONCE: Final = 12
"""How many cases are played at a time: with many more, each of them is slow."""

_PATIENCE_S: Final = 120
"""After how long a case is given up."""

_AT_REST: Final = frozenset({"waiting", "paused", "needs_attention"})


@dataclass
class Record:
    """What the interpreter asked for in a run, as its history replays it."""

    started: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)

    def note(self, command: Command) -> None:
        match command:
            case Run(key):
                self.started.append(str(key))
            case Undo(key):
                self.undone.append(str(key))


class Theatre:
    """Where cases are played, many at once.

    Args:
        stage: a database and a worker.
        scripts: what its actions do.

    Attributes:
        runs: by the case, the run that played it.
    """

    def __init__(self, stage: Stage, scripts: Scripts) -> None:
        self.runs: dict[str, str] = {}
        self._stage = stage
        self._scripts = scripts
        self._replaying = asyncio.Lock()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def play(self, name: str, play: Play) -> Seen:
        """Play a case and return what was seen in its end.

        Raises:
            TimeoutError: it did not come to its end, or to what it expects in between.
        """
        async with self._places, asyncio.timeout(_PATIENCE_S):
            return await self._play(name, play)

    async def _play(self, name: str, play: Play) -> Seen:
        script = self._scripts.by_case[name] = Script(play)
        for definition in (*play.others, play.definition):
            await self._stage.definitions.publish(json.dumps(definition.model_dump(mode="json", by_alias=True)))
        started = await self._stage.gateway.start(
            NewRun(workflow_id=play.definition.id, input=play.input or {}, request_id=name)
        )
        self.runs[name] = started.execution_id
        run = PlayedThere(self._stage, started.execution_id, script)
        for act, after in zip_longest(play.case.then, play.case.then[1:]):
            await run.do(act)
            if act.at is not None and (after is None or after.at != act.at):
                script.release(act.at)
        record = await run.end(play.case.expect)
        return await self._seen(record, script)

    async def _seen(self, record: RunRecord, script: Script) -> Seen:
        handle = self._stage.client.get_workflow_handle(record.execution_id)
        if record.status not in ENDED:
            await handle.query(RunWorkflow.state)  # answered once the task is complete in which the row was written
        found = await self._replayed(record.execution_id)
        if record.status not in ENDED:
            await handle.terminate("seen enough")
        return seen_of(record, script, found)

    async def _replayed(self, execution_id: str) -> Record:
        """Replay a run that does nothing any more, and note what the interpreter asks for."""
        found = Record()

        def noted(plan: Plan, state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
            state, commands = advance(plan, state, event)
            if workflow.info().workflow_id == execution_id:
                for command in commands:
                    found.note(command)
            return state, commands

        history = await self._stage.client.get_workflow_handle(execution_id).fetch_history()
        async with self._replaying:
            with patch.object(driver, "advance", noted):
                await REPLAYER.replay_workflow(history)
        return found


class PlayedThere:
    """A run on Temporal to which things are done.

    Args:
        stage: where it runs.
        execution_id: the run.
        script: what its actions do.
    """

    def __init__(self, stage: Stage, execution_id: str, script: Script) -> None:
        self._stage = stage
        self._id = execution_id
        self._script = script
        self._mark = 0
        self._is_moving = True

    async def do(self, act: Act) -> None:
        """Do something to the run, at its moment."""
        if act.at is not None:
            await self._until_called(act.at)
        elif act.expect is None and act.let_pass is None:
            await self._until_somebody_is_waited_for()
        if act.expect is not None:
            await self._until_as(act.expect)
        elif act.let_pass is None:  # real time passes by itself
            await self._tell(act)

    async def _until_called(self, unit: str) -> None:
        if self._script.waits_at(unit):
            await self._until(lambda record: any(each["step_id"] == unit for each in record.waiting))
        else:
            await self._script.reached(unit)

    async def end(self, expect: Expectation) -> RunRecord:
        """Wait for the end that is expected, or another one."""
        if expect.status not in ENDED:
            await self._until_as(Expectation(status=expect.status))
            return await self._row()
        handle = self._stage.client.get_workflow_handle(self._id)
        with suppress(WorkflowFailureError):  # the row tells how it ended
            await handle.result()
        record = await self._row()
        assert record.is_over
        return record

    async def _tell(self, act: Act) -> None:
        """Tell the run; its row comes later, if there is anything to write."""
        self._mark = len(self._stage.rows.saves)
        try:
            accepted = await self._told(act)
        except (Conflict, NotFound):  # what is impossible is refused, and changes nothing
            self._is_moving = False
        else:
            self._is_moving = accepted.status not in _AT_REST

    async def _told(self, act: Act) -> RunAccepted:
        control, name = self._stage.control, self._id
        if act.signal is not None:
            told: Awaitable[RunAccepted] = control.signal(name, act.signal, act.data)
        elif act.cancel is not None:
            told = control.cancel(name, act.cancel)
        elif act.retry is not None:
            told = control.retry(name, RetryRun(step=None if act.retry is True else act.retry, values=act.data or {}))
        elif act.retry_undo is not None:
            told = control.retry_compensation(name, act.retry_undo)
        elif act.write_off is not None:
            told = control.write_off(name, act.write_off, by="a test", reason="given up")
        elif act.pause:
            told = control.pause(name)
        else:
            told = control.compensate(name) if act.compensate else control.resume(name, act.resume)
        return await told

    async def _until_somebody_is_waited_for(self) -> None:
        saves = self._stage.rows.saves
        while self._is_moving and not any(save.execution_id == self._id for save in saves[self._mark :]):
            await self._stage.rows.until_more(len(saves))  # the row is from before what was done last
        await self._until(_waits)

    async def _until_as(self, expect: Expectation) -> None:
        """Wait until the run is as expected; of steps only what became of them can be told while it is under way."""

        def is_as_expected(record: RunRecord) -> bool:
            return not list(differences(expect, seen_of(record, self._script, Record())))

        await self._until(is_as_expected)

    async def _until(self, condition: Callable[[RunRecord], bool]) -> None:
        while True:
            known = len(self._stage.rows.saves)
            record = await self._stage.reads.get(self._id)
            if record is not None and condition(record):
                return
            await self._stage.rows.until_more(known)

    async def _row(self) -> RunRecord:
        record = await self._stage.reads.get(self._id)
        assert record is not None
        return record


def seen_of(record: RunRecord, script: Script, found: Record) -> Seen:
    """Return what a run's row, its actions and its history tell."""
    views = {step.step_id: step.view for step in record.steps}
    return Seen(
        status=record.status,
        error=None if record.failure is None else record.failure["code"],
        started=found.started,
        undone=found.undone,
        attempts=script.attempts,
        output=record.output,
        view_of=lambda step: views.get(step, "pending"),
        value_at=lambda path: next((step.result for step in record.steps if step.step_id == path), None),
    )


def _waits(record: RunRecord) -> bool:
    if record.status in {"paused", "needs_attention"}:
        return True
    return record.status == "waiting" and any(each["event"] is not None for each in record.waiting)


class Fenced(PlayedEffects):
    """The effects of actions of which a ledger has all."""

    def in_ledger(self, name: str) -> bool:
        return True


@asynccontextmanager
async def open_theatre(client: Client, url: str, *, fenced: bool = False) -> AsyncIterator[Theatre]:
    """Open a theatre over a database that is up to date; with `fenced` steps may run inside the workflow task."""
    database = Database(url)
    scripts = Scripts(Filler(RunValues(database)))
    effects = Fenced() if fenced else None
    async with open_stage(client, url, options=OPTIONS, act=scripts.activities.act, effects=effects) as stage:
        yield Theatre(stage, scripts)
    await database.close()
