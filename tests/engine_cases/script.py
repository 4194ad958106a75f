"""Actions that do on a real Temporal what the mocks of a case say, and stop where something is done to its run."""

import asyncio
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from temporalio.exceptions import CancelledError

from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.declaration import ActionContext
from flowforge.engine.actions.registry import Action, ActionRegistry
from flowforge.engine.core.keys import Key
from flowforge.engine.definition.step import Step
from flowforge.engine.filling import Filler
from flowforge.engine.performing import WAITS
from flowforge.testing.documents import Play
from flowforge.testing.mocks import UNDO, Answered, Mocks


class Script:
    """What the actions of one case do.

    Attributes:
        attempts: how often each unit of work was called; an undo under `undo ` and its name.
    """

    def __init__(self, play: Play) -> None:
        self.attempts: Counter[str] = Counter()
        self._mocks = Mocks(play.mocks)
        self._steps = {
            (definition.id, step.id): step
            for definition in (play.definition, *play.others)
            for step in definition.steps
        }
        self._reached: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._released: dict[str, asyncio.Event] = {}
        self._cancelling: set[str] = set()
        for act in play.case.then:
            if act.at is not None:
                self._released[act.at] = asyncio.Event()
                if act.cancel is not None and not act.at.startswith(UNDO):
                    self._cancelling.add(act.at)

    def step(self, workflow_id: str, step_id: str) -> Step:
        """Return a step as its definition has it."""
        return self._steps[workflow_id, step_id]

    def waits_at(self, unit: str) -> bool:
        """Tell whether a unit of work only waits, so that no action of it is called."""
        return any(step.id == unit and step.action in WAITS for step in self._steps.values())

    async def reached(self, unit: str) -> None:
        """Wait until a unit of work is called."""
        await self._reached[unit].wait()

    def release(self, unit: str) -> None:
        """Let it go on, if it is one that stops."""
        self._released[unit].set()

    async def answer(self, params: Any, context: ActionContext) -> ActionAnswer:
        """Do what the mock of a call says."""
        call = context.call
        unit = f"{UNDO if call.undo else ''}{Key(call.step_id, call.visit, call.item)}"
        self.attempts[unit] += 1
        found = self._mocks.call(self.step(call.workflow_id, call.step_id), params, context)
        try:
            await self._stop_at(unit)
            await _take(found)
        except (CancelledError, asyncio.CancelledError):
            if found.insists is None:
                raise
            return found.insists
        if found.refusal is not None:
            raise found.refusal
        if found.failure is not None:
            raise found.failure
        return found.answer or ActionAnswer()

    async def _stop_at(self, unit: str) -> None:
        self._reached[unit].set()
        if unit in self._released:
            await self._released[unit].wait()
        if unit in self._cancelling:
            await asyncio.Event().wait()  # until it is told to stop


async def _take(found: Answered) -> None:
    if found.takes is None:
        await asyncio.Event().wait()
    else:
        await asyncio.sleep(found.takes.total_seconds())


class Scripts(ActionRegistry):
    """The actions of all cases: which one a call belongs to is told by the request that started its run.

    Args:
        filler: keeps what is too large to be carried.

    Attributes:
        by_case: the script of each case.
        activities: runs them.
    """

    def __init__(self, filler: Filler) -> None:
        super().__init__({})
        self.by_case: dict[str, Script] = {}
        self.activities = ActionActivities(self, ThreadPoolExecutor(1), filler=filler)

    def get(self, name: str) -> Action | None:
        """Return whatever is asked for: what it does is in the script."""
        return Action(name=name, run=self._run)

    async def _run(self, params: Any, context: ActionContext) -> ActionAnswer:
        return await self.by_case[context.call.labels["request_id"]].answer(params, context)
