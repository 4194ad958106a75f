"""A stage for runs: database, worker, actions that a test directs, on a real Temporal."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from flowforge.engine.actions.contract import ACT, ActionAnswer, ActionCall
from flowforge.engine.activities import RunActivities
from flowforge.engine.contracts import RunOptions
from flowforge.engine.control import RunControl
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import NewRun, RunGateway
from flowforge.engine.launching import Launcher
from flowforge.engine.placing import Effects
from flowforge.engine.preparing import ChildRuns
from flowforge.engine.retries import RunRetries
from flowforge.engine.saving import SaveRun
from flowforge.engine.store.again import RunRests
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import RunRecord
from flowforge.engine.store.rows import RunRows
from flowforge.engine.store.values import RunValues
from flowforge.engine.workflow import RunWorkflow
from flowforge.persistence.database import Database
from flowforge.temporal.converter import DATA_CONVERTER
from flowforge.worker.answers import BoundedAnswers
from flowforge.worker.heartbeats import Heartbeats
from flowforge.worker.registration import activities_of_runs
from flowforge.worker.sandbox import sandbox_for

Play = Callable[[ActionCall], Awaitable[Any]]
OPTIONS = RunOptions(forward_max_interval_s=0.05, undo_max_interval_s=0.05, heartbeat_timeout_s=2, joins_saves=True)


def refusal(code: str = "no") -> ApplicationError:
    """What an action raises when the business says no."""
    return ApplicationError("the answer is no", {"attempt": 1}, type=code, non_retryable=True)


@dataclass
class Actions:
    """Plays every action: as a test directs, else by giving back its own name.

    Attributes:
        plays: by action and, before that, by step.
        calls: all that was asked for, in order.
        done: the forward actions and undos that came to their end, in order.
    """

    filler: Filler
    plays: dict[str, Play] = field(default_factory=dict)
    calls: list[ActionCall] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    @activity.defn(name=ACT)
    async def act(self, call: ActionCall) -> ActionAnswer:
        call = await self.filler.filled(call)
        self.calls.append(call)
        name = f"{'undo ' if call.undo else ''}{call.step_id}{'' if call.item is None else f'[{call.item}]'}"
        play = self.plays.get(name) or self.plays.get(call.action)
        beating = asyncio.create_task(_beat())
        try:
            answer = {"did": name} if play is None else await play(call)
        finally:
            beating.cancel()
        self.done.append(name)
        return await self.filler.kept(call, answer if isinstance(answer, ActionAnswer) else ActionAnswer(result=answer))

    @property
    def undone(self) -> list[str]:
        return [name.removeprefix("undo ") for name in self.done if name.startswith("undo ")]


async def _beat() -> None:
    while not activity.info().is_local:
        activity.heartbeat()
        await asyncio.sleep(0.05)


class Gate:
    """Stops an action until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, call: ActionCall) -> dict[str, str]:
        self.reached.set()
        await self.opened.wait()
        return {"did": call.step_id}


class WatchedRows(RunRows):
    """Rows that tell which statuses they were given.

    Attributes:
        reached: set when a run was saved with that status, or a step with that view as `step:view`.
        saves: all of them.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.saves: list[SaveRun] = []
        self._changed = asyncio.Event()

    async def save(self, request: SaveRun) -> Any:
        saved = await super().save(request)
        self.saves.append(request)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return saved

    async def until(self, condition: Callable[[SaveRun], bool]) -> None:
        while not any(condition(save) for save in self.saves):
            await self._changed.wait()

    async def until_more(self, known: int) -> None:
        """Wait for another save than the first `known` ones."""
        while len(self.saves) <= known:
            await self._changed.wait()

    async def until_status(self, status: str) -> None:
        await self.until(lambda save: save.status == status)


def saved(step: str, view: str) -> Callable[[SaveRun], bool]:
    """Tell of a save whether it was of a step with that view."""
    return lambda save: any((change.step_id, change.view) == (step, view) for change in save.steps)


REPLAYER = Replayer(
    workflows=[RunWorkflow],
    data_converter=DATA_CONVERTER,
    workflow_runner=UnsandboxedWorkflowRunner(),
    debug_mode=True,  # without the search for deadlocks: a machine that is busy for two seconds is none
)


@dataclass(kw_only=True)
class Stage:
    """Where runs are played."""

    client: Client
    task_queue: str
    launcher: Launcher
    database: Database
    definitions: DefinitionStore
    gateway: RunGateway
    control: RunControl
    retries: RunRetries
    rows: WatchedRows
    reads: RunReads
    actions: Actions
    hire: Callable[[], Worker]

    async def begin(self, body: dict[str, Any], **wishes: Any) -> str:
        """Publish a definition and start it; return the execution id."""
        published = await self.definitions.publish(json.dumps({"id": f"d-{uuid.uuid4().hex[:8]}", **body}))
        started = await self.gateway.start(
            NewRun(workflow_id=published.revision.workflow_id, input=wishes.pop("input", {}), **wishes)
        )
        return started.execution_id

    async def end(self, execution_id: str) -> RunRecord:
        """Wait for a run's end; see that row and Temporal agree, and that it replays."""
        found = await self.reads.get(execution_id)
        handle = self.client.get_workflow_handle(execution_id if found is None else found.temporal_id)
        try:
            await handle.result()
            ended = {"completed"}
        except WorkflowFailureError as failure:
            is_cancelled = isinstance(failure.cause, CancelledError)
            ended = {"cancelled"} if is_cancelled else {"failed", "compensated"}
        record = await self.reads.get(execution_id)
        assert record is not None
        assert record.status in ended
        await REPLAYER.replay_workflow(await handle.fetch_history())
        events = await self.reads.events(execution_id, limit=10_000)
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        assert events[-1].status == record.status
        return record

    async def play(self, body: dict[str, Any], **wishes: Any) -> RunRecord:
        """Publish, start and wait for the end."""
        return await self.end(await self.begin(body, **wishes))


class PlayedEffects:
    """The effects of actions that tests play: `free` and `condition` have none, `fenced…` has a ledger."""

    def has_effect(self, name: str, params: Any) -> bool:
        return name not in {"free", "condition"}

    def in_ledger(self, name: str) -> bool:
        return name.startswith("fenced")

    def may_wait(self, name: str) -> bool:
        return name == "wait"


@asynccontextmanager
async def open_stage(
    client: Client,
    url: str,
    *,
    options: RunOptions = OPTIONS,
    at_work: bool = True,
    cached: int = 1000,
    act: Callable[..., Any] | None = None,
    effects: Effects | None = None,
) -> AsyncIterator[Stage]:
    """Open a stage with a task queue of its own; the database is up to date.

    Args:
        client: connected to Temporal.
        url: of the database.
        options: how runs are tried.
        at_work: whether there is a worker.
        cached: how many runs the worker remembers.
        act: the activity that runs actions, in the place of the stage's own.
        effects: knows what actions change.
    """
    effects = effects or PlayedEffects()
    database = Database(url)
    task_queue = f"stage-{uuid.uuid4()}"
    filler = Filler(RunValues(database))
    definitions, reads, rows = DefinitionStore(database), RunReads(database), WatchedRows(database)
    actions = Actions(filler)

    launcher = Launcher(task_queue)
    gateway = RunGateway(
        client,
        definitions=definitions,
        reads=reads,
        keys=StartKeys(database),
        filler=filler,
        effects=effects,
        launcher=launcher,
        options=options,
    )

    def hire() -> Worker:
        return Worker(
            client,
            task_queue=task_queue,
            workflows=[RunWorkflow],
            activities=[
                *activities_of_runs(
                    RunActivities(rows, ChildRuns(definitions, effects, filler), filler, act or actions.act)
                ),
                act or actions.act,
            ],
            workflow_runner=sandbox_for(client.data_converter),
            interceptors=[BoundedAnswers(), Heartbeats()],
            max_cached_workflows=cached,
        )

    control = RunControl(client, runs=gateway, rows=rows)
    retries = RunRetries(
        runs=gateway, control=control, definitions=definitions, rests=RunRests(database), effects=effects
    )
    async with hire() if at_work else nullcontext():
        yield Stage(
            client=client,
            task_queue=task_queue,
            launcher=launcher,
            database=database,
            definitions=definitions,
            gateway=gateway,
            control=control,
            retries=retries,
            rows=rows,
            reads=reads,
            actions=actions,
            hire=hire,
        )
    await database.close()
