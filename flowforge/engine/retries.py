"""Begins runs again: a held one goes on where it is, one that has ended in its next start, with what it kept."""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from flowforge.engine.contracts import Carried, RetryRun, RunRequest
from flowforge.engine.control import RetryRefused, RunControl
from flowforge.engine.core.codec import dump, load
from flowforge.engine.core.events import Retry
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.retrying import obstacles, starts_over
from flowforge.engine.core.state import State
from flowforge.engine.core.stored import read, write
from flowforge.engine.core.table import Table
from flowforge.engine.core.views import RunStatus
from flowforge.engine.definition.address import canonical_bytes
from flowforge.engine.gateway import RunGateway
from flowforge.engine.leaving import arrives
from flowforge.engine.packing import pack, unpack
from flowforge.engine.placing import Effects, effect_free
from flowforge.engine.preparing import request_for
from flowforge.engine.sizes import MAX_RESULT_BYTES, size_of
from flowforge.engine.store.again import RunRests
from flowforge.engine.store.definitions import DefinitionStore, Revision
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict, PayloadTooLarge

_TOLD: Final = {"told": [], "undosTold": False, "positions": [], "turns": 1}
_TOLD_WITHIN_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryWish:
    """How somebody wants a run to begin again.

    Attributes:
        step: the step to go on from; None for what failed alone.
        values: results and input keys that are edited first.
        revision: the revision to go on with; None for the one that it has.
        request_id: the request that asks for this, for the logs.
    """

    step: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    revision: int | None = None
    request_id: str | None = None

    @property
    def fingerprint(self) -> str:
        """What has to be the same for a wish to be the same wish."""
        return hashlib.sha256(canonical_bytes([self.step, dict(self.values), self.revision])).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A run that begins again; `created` is False where it did so already, because of the same wish."""

    execution_id: str
    workflow_id: str
    revision: int
    generation: int
    status: RunStatus
    created: bool


class RunRetries:
    """Begins runs again.

    Args:
        runs: finds and starts them.
        control: asks those that are held.
        definitions: their revisions.
        rests: what ended ones keep.
        effects: knows what actions change.
    """

    def __init__(
        self,
        *,
        runs: RunGateway,
        control: RunControl,
        definitions: DefinitionStore,
        rests: RunRests,
        effects: Effects,
    ) -> None:
        self._runs = runs
        self._control = control
        self._definitions = definitions
        self._rests = rests
        self._effects = effects

    async def retry(self, execution_id: str, wish: RetryWish) -> Retried:
        """Have a run begin again; a repeat, as long as the run goes on because of it, changes nothing.

        Raises:
            NotFound: there is no such run, or no such revision of its definition.
            Conflict: it has neither failed nor been called off, or it begins again otherwise.
            RetryRefused: it cannot begin again as is wished.
            InputRefused: the edited input is not as the definition's schema says.
            PayloadTooLarge: what is edited is too large.
            TemporalUnavailable: whether it begins again is unknown; the same wish again tells.
            DatabaseUnavailable: try again.
        """
        if size_of(wish.values) > MAX_RESULT_BYTES:
            raise PayloadTooLarge(f"what is edited is larger than {MAX_RESULT_BYTES} bytes")
        record = await self._runs.get(execution_id)
        if record.status == "needs_attention" and record.is_held:
            return await self._held(record, wish)
        if not record.is_over:
            if record.wish != wish.fingerprint:
                raise Conflict(f"the run is {record.status}: only one that failed begins again")
            return _retried(record, status=record.status, created=False)
        if record.status == "completed":
            raise Conflict("the run is completed: a replay is a new run of the same input")
        if record.depth:
            parent = record.parent_execution_id
            raise Conflict(f"the run was started by a step of {parent}: have that one begin again")
        try:
            return await self._ended(record, wish)
        except Conflict:
            if (await self._runs.get(execution_id)).starts == record.starts:
                raise
        return await self.retry(execution_id, wish)  # somebody had it begin again meanwhile, and took what it had kept

    async def _held(self, record: RunRecord, wish: RetryWish) -> Retried:
        retry = RetryRun(step=wish.step, values=wish.values, wish=wish.fingerprint)
        revision = record.revision if wish.revision is None else wish.revision
        if revision != record.revision or wish.values:
            found = await self._definitions.get(record.workflow_id, revision)
            request = self._checked(record, found, wish)
            if revision != record.revision:
                retry = replace(
                    retry,
                    revision=revision,
                    definition=request.definition,
                    effect_free=request.effect_free,
                    local_effects=request.local_effects,
                )
        accepted = await self._control.retry(record.execution_id, retry)
        return _retried(replace(record, revision=revision), status=accepted.status, created=True)

    async def _ended(self, record: RunRecord, wish: RetryWish) -> Retried:
        rest, last = await self._rests.get(record.execution_id)
        before, found = await asyncio.gather(
            self._definitions.get(record.workflow_id, record.revision),
            self._definitions.get(record.workflow_id, wish.revision or record.revision),
        )
        if rest is not None and record.status in {"failed", "cancelled"}:
            carried = rest
        else:
            carried = self._from_nothing(record, before)
        request = self._checked(record, found, wish)
        state = load(unpack(carried.state), value=read)
        retry = Retry(step=wish.step, values=wish.values)
        plans = [self._plan(revision) for revision in (before, found)]
        refused = obstacles(plans[1], state, retry, before=plans[0])
        if refused:
            raise RetryRefused(refused)
        story = {**unpack(carried.story), "status": record.status, "events": last}
        carried = replace(carried, story=pack(story), time_left_s=None)
        request = replace(
            request,
            generation=state.generation + starts_over(state),
            start=record.starts + 1,
            carried=carried,
            retry=RetryRun(step=wish.step, values=wish.values, wish=wish.fingerprint),
            wish=wish.fingerprint,
        )
        if not arrives(carried, request):
            raise Conflict("the run carries too much to go on: a replay is a new run of the same input")
        created = await self._runs.begin_again(request, found.definition)
        await self._until_told(record.execution_id, request.start)
        now = replace(record, revision=request.revision, generation=request.generation)
        return _retried(now, status="pending", created=created)

    async def _until_told(self, execution_id: str, start: int) -> None:
        """Wait for the row to tell of it: whoever looks next must not take the old end for the new one.

        Without a worker it does not come. Then the run is accepted all the same.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_WITHIN_S):
                while (await self._runs.get(execution_id)).starts < start:  # noqa: ASYNC110  a worker writes it
                    await asyncio.sleep(_LOOK_EVERY_S)

    def _checked(self, record: RunRecord, found: Revision, wish: RetryWish) -> RunRequest:
        """Return a run of a revision with what it was accepted with; its edited input is held against the schema."""
        definition = found.definition
        names = {step.id for step in definition.steps} | {step.output_key for step in definition.steps}
        edits = {**(record.edits or {}), **wish.values}
        given = {**record.input, **{name: value for name, value in edits.items() if name not in names}}
        request = request_for(found, definition, given, execution_id=record.execution_id, effects=self._effects)
        return replace(
            request,
            input=record.input,
            timeout_s=record.timeout_s,
            metadata=record.metadata,
            tenant_id=record.tenant_id,
            parent_execution_id=record.parent_execution_id,
            request_id=wish.request_id,
            replay_of=record.replay_of,
        )

    def _from_nothing(self, record: RunRecord, revision: Revision) -> Carried:
        """Return with what a run starts over.

        Raises:
            Conflict: it did something, perhaps, that nothing undoes: it would do that again.
        """
        if all(undos.generation != record.generation for undos in record.undo_counts):
            # its workflow was gone, and undid nothing
            harmless = effect_free(revision.definition, self._effects)
            done = [step.step_id for step in record.steps if step.view != "skipped" and step.step_id not in harmless]
            if done:
                raise Conflict(
                    f"nothing undoes what {done[0]!r} may have done before the run lost its workflow, and it would be "
                    "done again: a replay is a new run of the same input"
                )
        state = State(phase="compensated", generation=record.generation, values=Table(record.edits or {}))
        return Carried(state=pack(dump(state, value=write)), story=_TOLD)

    def _plan(self, revision: Revision) -> Plan:
        definition = revision.definition
        return Plan.of(definition, effect_free=effect_free(definition, self._effects))


def _retried(record: RunRecord, *, status: RunStatus, created: bool) -> Retried:
    return Retried(
        execution_id=record.execution_id,
        workflow_id=record.workflow_id,
        revision=record.revision,
        generation=record.generation,
        status=status,
        created=created,
    )
