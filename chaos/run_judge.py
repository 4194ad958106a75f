"""What is asked after runs of definitions went through faults: of rows, of Temporal, and of whoever counts outside."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from chaos.judge import DRAINED_WITHIN_S, LAST, Judge, Verdict, objections_of, run_end
from chaos.replays import RUNS, replay
from chaos.runs import APPROVALS, BOOKING, DIFFICULT, FENCED, PAID, PURCHASE, SAGAS, RunLoad, RunWish
from chaos.stranger import Stranger
from chaos.world import ENOUGH, PRODUCT, World
from flowforge.cli.engine import Engine
from flowforge.engine.audit import audit
from flowforge.engine.idempotency import start_id, unwinding_id
from flowforge.engine.store.records import ENDED
from flowforge.persistence.tables.accounts import SAMPLE_ACCOUNTS
from flowforge.persistence.tables.engine import EXECUTIONS, WEBHOOK_OUTBOX
from flowforge.persistence.tables.ledger import LEDGER

_REPLAYED: Final = 20
_AT_ONCE: Final = 16
_ATTENTION: Final = "needs an operator"


class RunJudge:
    """Judges the runs of one world, once its faults are healed."""

    def __init__(
        self,
        world: World,
        engine: Engine,
        stranger: Stranger,
        verdict: Verdict,
        *,
        chance: random.Random,
        within_s: float = DRAINED_WITHIN_S,
    ) -> None:
        self._world = world
        self._chance = chance
        self._engine = engine
        self._stranger = stranger
        self._verdict = verdict
        self._within_s = within_s
        self._statuses: Mapping[str, str] = {}
        self._starts: Mapping[str, int] = {}

    async def examine(self, load: RunLoad) -> None:
        """Wait until every run has ended, or waits for an operator; then look at all of them, and at new ones."""
        await self.drain(load)
        await self.operate(load)
        await self._last_runs(load)
        await self.settled(load)

    async def settled(self, load: RunLoad) -> None:
        """Look at runs that are all at their ends for good."""
        await self._until("webhooks were not delivered", self._untold)
        await self._compare(load.started)
        await self.whole(load)
        self._ask_stranger(load.started)
        self._verdict.violations += load.objections
        for name in self._chance.sample(sorted(load.started), min(_REPLAYED, len(load.started))):
            try:
                replayed = await replay(self._world, name, RUNS)
                self._verdict.done["histories replayed"] += replayed  # not in one: other worlds add to it meanwhile
            except AssertionError as failure:
                self._object(str(failure))

    async def whole(self, load: RunLoad) -> None:
        """See that of runs that are at an end nothing is left that should not be."""
        await self._count_effects(load.started)
        await self._count_money(load.started)
        await self._count_stock(load.started)
        self._verdict.violations += objections_of(await self._world.database.read(audit))
        await Judge(self._world, self._verdict).audit()

    async def drain(self, load: RunLoad) -> None:
        """Wait until every run is at its end, or where it rightly waits; object where that takes too long."""
        begun = time.monotonic()

        async def going() -> Sequence[str]:
            self._statuses, self._starts = await self._world.database.read(_statuses)
            return [
                f"{name} ({wish.workflow_id}, {wish.kind}: {self._statuses.get(name, 'without a row')})"
                for name, wish in load.started.items()
                if not self._is_through(name, wish)
            ]

        await self._until("runs did not end", going)
        self._verdict.drained_s = max(self._verdict.drained_s, time.monotonic() - begun)

    def _is_through(self, name: str, wish: RunWish) -> bool:
        status = self._statuses.get(name)
        if wish.kind == "begun again" and self._starts.get(name) == 1:
            return False  # that is its first end: nobody has worked on it since
        return status in ENDED or (status == "needs_attention" and wish.kind == _ATTENTION)

    async def operate(self, load: RunLoad) -> None:
        """See that of those that wait for an operator all else is undone; have them end."""
        self._stranger.is_stubborn = False
        for name, wish in load.started.items():
            if wish.kind != _ATTENTION:
                continue
            record = await load.engine.runs.get(name)
            left = {undo.step_id for undo in record.undos if undo.status not in {"done", "not_needed"}}
            if (record.status, left) != ("needs_attention", {DIFFICULT}):
                self._object(f"{name} is {record.status} with {sorted(left)} not undone, where {DIFFICULT} cannot be")
            self._verdict.done["runs that waited for an operator"] += 1
            await load.insist_on_undo(name, DIFFICULT)
        await self.drain(load)

    async def _last_runs(self, load: RunLoad) -> None:
        """Start some runs more, all of them plain: each must complete."""
        number = load.asked
        wishes = (
            RunWish.by_chance(self._chance, self._stranger, number + place, kind="plain") for place in range(LAST)
        )
        await asyncio.gather(*map(load.run, wishes))
        await self.drain(load)

    async def forgotten(self, load: RunLoad) -> None:
        """Compare those that have completed with what Temporal says, before it forgets them."""
        done = {name: wish for name, wish in load.started.items() if self._statuses.get(name) == "completed"}
        await self._compare(done)
        load.started.update({name: replace(wish, kind="forgotten") for name, wish in done.items()})

    async def _compare(self, started: Mapping[str, RunWish]) -> None:
        """Compare each run's row with what was wished and with what Temporal says."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def look(name: str, wish: RunWish) -> None:
            status = self._statuses.get(name, "lost")
            told = "failed" if status == "compensated" else status
            if wish.kind == "forgotten":
                return
            self._verdict.ends[told] += 1
            self._verdict.done[f"runs of {wish.workflow_id}"] += 1
            if status not in wish.ends:
                self._object(f"{name} of {wish.workflow_id}, which was {wish.kind}, is {status}")
            async with places:
                # The name at Temporal of the workflow that ended it.
                by = unwinding_id(name) if wish.kind == "abandoned" else start_id(name, self._starts.get(name, 1))
                run = await run_end(self._world, by)
            if run != told:
                self._object(f"{name} of {wish.workflow_id} is {status}, its workflow {run}")

        await asyncio.gather(*(look(*each) for each in started.items()))

    async def _count_effects(self, started: Mapping[str, RunWish]) -> None:
        """Count what the sagas' steps left in the ledger: all of it where a run completed, else what needs no undo."""
        states: Mapping[str, Sequence[tuple[str, str]]] = await self._world.database.read(_effects)
        for saga in (*SAGAS, PURCHASE):
            steps = (await self._engine.definitions.get(saga)).definition.steps
            effects = {each.id for each in steps if self._engine.registry.has_effect(each.action, {})}
            undoable = {each.id for each in steps if each.compensation is not None}
            if saga == PURCHASE:
                effects = undoable = set(FENCED)
            for name, wish in started.items():
                if wish.workflow_id != saga:
                    continue
                applied = Counter(step for step, state in states.get(name, ()) if state == "applied")
                by_event = {step for step, event in APPROVALS.items() if event in wish.approvals}
                status = self._statuses.get(name)
                due = effects - by_event if status == "completed" else set()
                # What nothing undoes is done again by a run that starts over.
                wrong = {step for step in undoable if applied[step] != (step in due)}
                wrong |= {step for step in due if not applied[step]}
                if wrong:
                    self._object(f"{name} of {saga} is {status}, which the ledger denies of {sorted(wrong)}")

    async def _count_money(self, started: Mapping[str, RunWish]) -> None:
        """Count what transfers moved from what was wished of those that completed, account by account."""
        moved: Counter[str] = Counter()
        for name, wish in started.items():
            if wish.moves is not None and self._statuses.get(name) == "completed":
                source, destination, amount = wish.moves
                moved[source] -= amount
                moved[destination] += amount
                self._verdict.done["transfers counted"] += 1
        for account, by_minor in (await self._world.database.read(_moved)).items():
            if by_minor != moved.pop(account, 0):
                self._object(f"the account {account} changed by {by_minor}, not as the completed transfers say")
        if wrong := sorted(account for account, by_minor in moved.items() if by_minor):
            self._object(f"accounts of completed transfers were never opened: {wrong}")

    async def _count_stock(self, started: Mapping[str, RunWish]) -> None:
        """Count what purchases took away: a unit each that completed, and nothing is reserved any more."""
        bought = sum(
            wish.workflow_id == PURCHASE and self._statuses.get(name) == "completed" for name, wish in started.items()
        )
        levels = await self._world.services.inventory.levels()
        found = next((level.on_hand, level.reserved) for level in levels if level.product_id == PRODUCT)
        if found != (ENOUGH - bought, 0):
            self._object(f"{bought} purchases completed, and of {ENOUGH} units on hand and reserved are {found}")

    def _ask_stranger(self, started: Mapping[str, RunWish]) -> None:
        """Hold what the stranger took, gave back and was told against how its runs ended."""
        stranger = self._stranger
        kept: dict[str, list[int]] = defaultdict(list)
        for key, amount in stranger.kept.items():
            kept[key.partition(":")[0]].append(amount)
        for key in stranger.came_back():
            self._object(f"the stranger was asked for {key} after its undo")
        for name, wish in started.items():
            if wish.workflow_id != BOOKING:
                continue
            status = self._statuses.get(name, "lost")
            due = [wish.input["amount"]] * PAID if status == "completed" else []
            if kept.pop(name, []) != due:
                self._object(f"the stranger's money is not what {name}, which is {status}, should have left there")
            messages = {kind: ids for (run, kind), ids in stranger.told.items() if run == name}
            # One that was begun again ended before, too.
            ends = {f"workflow.{end}" for end in ((status, "compensated") if wish.kind == "begun again" else (status,))}
            if set(messages) != ends or any(len(ids) != 1 for ids in messages.values()):
                self._object(f"{name} is {status}, and its webhook was told {messages}")
        if kept:
            self._object(f"the stranger has money of runs that nobody started: {sorted(kept)}")
        done = self._verdict.done
        done["requests to the stranger"] += stranger.asked
        done["payments that it took"] += len(stranger.taken)
        done["payments that it gave back"] += len(stranger.given_back)
        done["ends that webhooks told it"] += sum(map(len, stranger.told.values()))

    async def _untold(self) -> Sequence[str]:
        return await self._world.database.read(_in_outbox)

    async def _until(self, what: str, left: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Wait until nothing is left; object where that takes too long."""
        begun = time.monotonic()
        names = await left()
        while names and time.monotonic() - begun < self._within_s:
            await asyncio.sleep(0.25)
            names = await left()
        if names:
            self._object(f"{len(names)} {what} within {self._within_s:g} s of the heal: {', '.join(names[:5])}")

    def _object(self, what: str) -> None:
        self._verdict.violations.append(what)


def _statuses(connection: Connection) -> tuple[dict[str, str], dict[str, int]]:
    """Return by name what each run is, and how often it was started."""
    rows = connection.execute(select(EXECUTIONS.c.execution_id, EXECUTIONS.c.status, EXECUTIONS.c.starts)).all()
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def _in_outbox(connection: Connection) -> list[str]:
    return list(connection.execute(select(WEBHOOK_OUTBOX.c.execution_id)).scalars())


def _effects(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """Return by run what the ledger says of its samples' steps and of its services' operations.

    A saga's id there is the run, its generation and, where a step has a saga of its own, the step.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for saga_id, operation, state in connection.execute(select(LEDGER.c.saga_id, LEDGER.c.operation, LEDGER.c.state)):
        run, _, step = saga_id.partition("/")
        # Of a sample's steps several have one operation; a service's is known by it.
        found[run.partition(".")[0]].append((step if operation.startswith("samples.") else operation, state))
    return found


def _moved(connection: Connection) -> dict[str, int]:
    table = SAMPLE_ACCOUNTS.c
    rows = connection.execute(select(table.account_id, table.balance_minor - table.opened_with_minor))
    return {row[0]: row[1] for row in rows}
