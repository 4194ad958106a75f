"""Runs of definitions whose workflow is gone: terminated from outside, or lost with the state of Temporal."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from temporalio.client import Client

from chaos.house import House
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.run_judge import RunJudge
from chaos.runs import APPROVALS, BOOKING, EGRESS, SAGAS, RunLoad, RunWish, given, open_runs
from chaos.stranger import open_stranger
from chaos.temporal import Temporal
from flowforge.cli.engine import Engine
from flowforge.engine.retries import RetryWish
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict
from flowforge.temporal.target import TemporalTarget

TERMINATED: Final = "runs of definitions terminated from outside, at each step and undo"
LOST: Final = "Temporal's state lost with runs of definitions under way"

_WITHIN_S: Final = 120.0
"""As for orders: workers look every 15 s for what has not moved for 20 s, and wait 30 s longer after a change of
Temporal; an attempt that was under way is given time to settle, too."""

_COMPLETED: Final = 5
_MOVES: Final = ("from-0", "to-0", 125)
_FOR_EVER: Final = 1_000_000
_OPERATIONS: Final = {"DebitSource": "samples.debit", "CreditDestination": "samples.credit"}
"""The ledger's names of what samples do, where it is not `samples.effect`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run of a saga stands: in the transaction of a step, or of its undo.

    Attributes:
        step: the step.
        number: the how-manieth transaction of its kind it is in that run.
        fails_at: the step that fails it; empty where it goes forward.
    """

    saga: str
    step: str
    operation: str
    number: int
    fails_at: str = ""

    def __str__(self) -> str:
        return f"{self.saga}, {self.step}, {self.operation}"


async def terminate(house: House, plan: Plan) -> Verdict:
    """Terminate runs at each step, between two attempts; and while a worker stands in each effect and undo."""
    verdict = Verdict(name=TERMINATED)
    async with house.temporal() as temporal:
        client, chance = await temporal.client(), plan.chance(TERMINATED)
        async with (
            house.world(temporal.target, client) as world,
            open_stranger(chance) as stranger,
            open_runs(world, stranger) as (engine, _),
        ):
            places = [place for saga in SAGAS for place in await places_of(engine, saga)]
        await asyncio.gather(
            between_attempts(house, temporal.target, client, verdict, chance),
            *(frozen(house, temporal.target, client, verdict, place) for place in places),
        )
    verdict.must_have_completed()
    return verdict


async def lose_state(house: House, plan: Plan) -> Verdict:
    """Have Temporal lose runs that have completed, that stand at each step, that wait for somebody."""
    verdict = Verdict(name=LOST)
    async with house.temporal() as temporal:
        client = await temporal.client()
        await between_attempts(house, temporal.target, client, verdict, plan.chance(LOST), lost=temporal)
    verdict.must_have_completed()
    return verdict


async def between_attempts(
    house: House,
    target: TemporalTarget,
    client: Client,
    verdict: Verdict,
    chance: random.Random,
    *,
    lost: Temporal | None = None,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Take their workflows from runs that stand at every step of the sagas; see them undone, and begun again.

    Args:
        house: where.
        target: a Temporal that runs.
        client: connected to it.
        verdict: is added to.
        chance: what the stranger loses.
        lost: that Temporal, to lose its state; None to have them terminated.
        settings: of the workers.
    """
    async with (
        open_stranger(chance) as stranger,
        house.world(target, client, settings={**EGRESS, **(settings or {})}) as world,
        open_runs(world, stranger) as (engine, load),
    ):
        judge = RunJudge(world, engine, stranger, verdict, chance=chance, within_s=_WITHIN_S)
        worker = await world.worker()
        plain = (RunWish.by_chance(chance, stranger, number, kind="plain") for number in range(_COMPLETED))
        await asyncio.gather(*map(load.run, plain))
        difficult = await load.run(RunWish.by_chance(chance, stranger, 0, kind="needs an operator"))
        await _until_at(load, difficult, "")
        await judge.drain(load)
        stranger.closed = "/pay"
        wishes = [wish async for wish in _standing(engine)]
        booking = RunWish.by_chance(chance, stranger, 0, kind="plain")
        wishes.append((replace(booking, kind="abandoned"), "pay"))
        names = await asyncio.gather(*(load.run(wish) for wish, _ in wishes))
        stands = dict(zip(names, (at for _, at in wishes), strict=True))
        await asyncio.gather(*(_until_at(load, name, at) for name, at in stands.items()))
        if lost is None:
            await asyncio.gather(*(client.get_workflow_handle(name).terminate("by mistake") for name in names))
        else:
            await judge.forgotten(load)
            await worker.end()
            await lost.kill()
            lost.forget()
            await lost.start()
            await world.worker()
        verdict.done["runs terminated" if lost is None else "runs lost"] += len(names)
        await judge.drain(load)
        await judge.whole(load)
        stranger.closed = ""
        for name, at in stands.items():
            record = await load.engine.runs.get(name)
            _must_be_abandoned(record, verdict)
            if load.started[name].workflow_id == BOOKING:
                continue
            await _begin_again(load, record, verdict, {"_testFailures": 0}, is_kept=at in _KEPT)
        await judge.operate(load)
        if lost is not None:
            load.started[difficult] = replace(load.started[difficult], kind="abandoned")
        await judge.drain(load)
        await judge.settled(load)


async def frozen(
    house: House,
    target: TemporalTarget,
    client: Client,
    verdict: Verdict,
    place: Place,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Freeze a worker in a transaction, terminate its run, let it go on; see the run undone, and begun again."""
    chance = random.Random(str(place))  # noqa: S311 -- of a stranger whom nobody asks
    async with (
        open_stranger(chance) as stranger,
        house.world(target, client, settings=settings) as world,
        open_runs(world, stranger) as (engine, load),
    ):
        judge = RunJudge(world, engine, stranger, verdict, chance=chance, within_s=_WITHIN_S)
        worker = await world.worker(f"stop:{place.operation}:before:{place.number}")
        fails = {"_testFailAt": place.fails_at} if place.fails_at else {}
        wish = RunWish(
            kind="abandoned",
            workflow_id=place.saga,
            input=given(place.saga, _MOVES) | fails,
            moves=_MOVES if place.saga == "TransferWorkflow" else None,
        )
        name = await load.run(wish)
        try:
            async with asyncio.timeout(_WITHIN_S):
                await worker.stopped.wait()
        except TimeoutError:
            verdict.violations.append(f"{name} did not come to {place}: {worker.log.read_text()[-500:]}")
            return
        await client.get_workflow_handle(name).terminate("by mistake")
        verdict.done["runs terminated in a transaction"] += 1
        worker.send(signal.SIGCONT)
        await judge.drain(load)
        await judge.whole(load)
        record = await load.engine.runs.get(name)
        if not place.fails_at:
            _must_be_abandoned(record, verdict)
        await _begin_again(load, record, verdict, {"_testFailAt": None} if fails else {}, is_kept=place.step in _KEPT)
        await judge.drain(load)
        await judge.settled(load)


async def places_of(engine: Engine, saga: str) -> Sequence[Place]:
    """Return every transaction of a saga's effects, and of their undos."""
    steps = (await engine.definitions.get(saga)).definition.steps
    times: Counter[str] = Counter()
    found: list[Place] = []
    for step in steps:
        if engine.registry.has_effect(step.action, {}):
            operation = _OPERATIONS.get(step.action, "samples.effect")
            times[operation] += 1
            found.append(Place(saga=saga, step=step.id, operation=operation, number=times[operation]))
    for step in reversed(steps):
        if step.compensation is not None:
            operation = f"{_OPERATIONS.get(step.action, 'samples.effect')}.undo"
            times[operation] += 1
            found.append(
                Place(saga=saga, step=step.id, operation=operation, number=times[operation], fails_at=_LAST[saga])
            )
    return found


_LAST: Final = {
    "OrderWorkflow": "Complete",
    "TransferWorkflow": "SendNotifications",
    "MigrationWorkflow": "VerifyMigration",
    "ApprovalWorkflow": "PublishDocument",
}
"""The step of each saga at which it fails last."""

_KEPT: Final = frozenset({"BackupOldData", "SubmitDocument"})
"""First steps that nothing undoes: a run that stood there is not begun again, since it would do them twice."""


async def _standing(engine: Engine) -> AsyncIterator[tuple[RunWish, str]]:
    """Yield, for each step of each saga, the wish for a run that stands there; and for one that waits for somebody."""
    for saga in SAGAS:
        for step in (await engine.definitions.get(saga)).definition.steps:
            stands = {"_testFailures": _FOR_EVER, "_testFailuresAt": step.id}
            yield _abandoned(saga, stands), step.id
    yield _abandoned("ApprovalWorkflow", {"approvals": {}}), "Reviewer1Approve"


def _abandoned(saga: str, also: Mapping[str, Any]) -> RunWish:
    return RunWish(
        kind="abandoned",
        workflow_id=saga,
        input={**given(saga, _MOVES), **also},
        moves=_MOVES if saga == "TransferWorkflow" else None,
    )


async def _until_at(load: RunLoad, name: str, at: str) -> None:
    """Wait until a run has come to a step, or waits for an operator where there is none."""
    async with asyncio.timeout(_WITHIN_S):
        while True:
            record = await load.engine.runs.get(name)
            views = {step.step_id: step.view for step in record.steps}
            if views.get(at) in {"running", "waiting"} or (not at and record.status == "needs_attention"):
                return
            await asyncio.sleep(0.1)


def _must_be_abandoned(record: RunRecord, verdict: Verdict) -> None:
    code = None if record.failure is None else record.failure["code"]
    if code != "abandoned":
        verdict.violations.append(f"{record.execution_id} lost its workflow, and is {record.status}: {code}")


async def _begin_again(
    load: RunLoad, record: RunRecord, verdict: Verdict, edits: Mapping[str, Any], *, is_kept: bool
) -> None:
    """Begin a run again; one that would do twice what nothing undoes must refuse."""
    name = record.execution_id
    try:
        await load.engine.retries.retry(name, RetryWish(values=edits))
    except Conflict as conflict:
        if not is_kept:
            verdict.violations.append(f"{name} of {record.workflow_id} cannot be begun again: {conflict}")
        verdict.done["runs not begun again"] += 1
        return
    if is_kept:
        verdict.violations.append(f"{name} of {record.workflow_id} does again what nothing undoes")
    verdict.done["runs begun again"] += 1
    wish = load.started[name]
    waits = wish.workflow_id == "ApprovalWorkflow" and not wish.input["approvals"]
    load.started[name] = replace(wish, kind="begun again", approvals=tuple(APPROVALS.values()) if waits else ())
    await load.approve(name, load.started[name])
