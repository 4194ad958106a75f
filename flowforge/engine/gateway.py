"""The only door to runs: starts them in Temporal, and reads them from their rows.

Intake is Temporal's, as it is of orders: a run is accepted when Temporal has it, and its first turn writes its row.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from flowforge.engine.accepted import accepted_run
from flowforge.engine.contracts import RunOptions, RunRequest
from flowforge.engine.core.views import RunStatus
from flowforge.engine.data_checks import InputRefused
from flowforge.engine.definition.address import canonical_bytes
from flowforge.engine.definition.model import Definition
from flowforge.engine.filling import Filler
from flowforge.engine.idempotency import start_id
from flowforge.engine.labels import summary_of
from flowforge.engine.launching import RPC_TIMEOUT, Launcher
from flowforge.engine.placing import Effects
from flowforge.engine.preparing import request_for
from flowforge.engine.store.definitions import DefinitionStore, Revision
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import RunRecord
from flowforge.errors import Conflict, NotFound, PayloadTooLarge, TemporalUnavailable
from flowforge.ids import new_execution_id
from flowforge.temporal.awaiting import ended_or
from flowforge.temporal.client import absence_as_fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a client asks for.

    Attributes:
        workflow_id: the definition to run.
        input: what it is given.
        revision: which revision; None for the latest.
        idempotency_key: the same key and the same wish again give the run that was started first.
        idempotency_ttl: how long the key stands for it; None for ever.
        timeout: how long it may go forward; None as the definition says.
        metadata: labels.
        tenant_id: another label; it isolates nothing.
        parent_execution_id: the run on whose behalf this is.
        request_id: the request that starts it, for the logs.
        replay_of: the run whose input this is.
    """

    workflow_id: str
    input: Mapping[str, Any]
    revision: int | None = None
    idempotency_key: str | None = None
    idempotency_ttl: timedelta | None = None
    timeout: timedelta | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str | None = None
    parent_execution_id: str | None = None
    request_id: str | None = None
    replay_of: str | None = None

    @property
    def fingerprint(self) -> str:
        """What has to be the same for a wish to be the same wish."""
        timeout_s = None if self.timeout is None else self.timeout.total_seconds()
        labels = [dict(self.metadata), self.tenant_id, self.parent_execution_id]
        body = [self.workflow_id, dict(self.input), self.revision, *labels, timeout_s, self.replay_of]
        return hashlib.sha256(canonical_bytes(body)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """An accepted run; `created` is False where its idempotency key had started it before."""

    execution_id: str
    workflow_id: str
    revision: int
    status: RunStatus
    created: bool = True


class RunGateway:
    """Starts and finds runs.

    Args:
        client: connected to Temporal; the worker's own client makes starts eager.
        definitions: what can be run.
        reads: the rows.
        keys: the idempotency keys.
        filler: keeps what is large in an input.
        effects: knows what actions change.
        launcher: starts their workflows.
        options: how runs started here are tried.
    """

    def __init__(
        self,
        client: Client,
        *,
        definitions: DefinitionStore,
        reads: RunReads,
        keys: StartKeys,
        filler: Filler,
        effects: Effects,
        launcher: Launcher,
        options: RunOptions,
    ) -> None:
        self._client = client
        self._definitions = definitions
        self._reads = reads
        self._keys = keys
        self._filler = filler
        self._effects = effects
        self._launcher = launcher
        self._options = options
        self._closing = asyncio.Event()

    async def start(self, new: NewRun) -> StartedRun:
        """Accept a run: start its workflow.

        Raises:
            NotFound: there is no such definition or revision.
            Conflict: the definition was deleted.
            InputRefused: the input is not as the definition's schema says.
            PayloadTooLarge: the input is larger than a run may carry.
            IdempotencyKeyReused: the key belongs to a start of something else.
            TemporalUnavailable: Temporal did not say whether it took the run; the same key again tells.
            DatabaseUnavailable: nothing was started.
        """
        found = await self._definitions.get(new.workflow_id, new.revision)
        execution_id = new_execution_id()
        if new.idempotency_key is not None:
            execution_id = await self._keys.claim(
                new.idempotency_key,
                execution_id=execution_id,
                fingerprint=new.fingerprint,
                lifetime=new.idempotency_ttl,
            )
            if (record := await self._reads.get(execution_id)) is not None:
                return _started_before(record)
        definition = found.definition
        try:
            if found.is_deleted:
                raise Conflict(f"the workflow {new.workflow_id!r} was deleted: it starts no runs any more")
            request = self._request(execution_id, new, found, definition)
        except (Conflict, InputRefused, PayloadTooLarge):
            if new.idempotency_key is not None:  # no run was asked for with it: it may be used for a better wish
                await self._keys.release(new.idempotency_key, execution_id=execution_id)
            raise
        request = await self._filler.carried(request)
        try:
            await self._start(request, definition)
        except WorkflowAlreadyStartedError:  # its row is not there yet, or came this moment
            return _started_before(await self.get(execution_id))
        return StartedRun(
            execution_id=execution_id, workflow_id=found.workflow_id, revision=found.revision, status="pending"
        )

    async def replay(self, execution_id: str, *, key: str | None = None, request_id: str | None = None) -> StartedRun:
        """Start a new run with the input, revision and labels of another one, whatever became of that.

        Args:
            execution_id: the run that is replayed.
            key: an idempotency key; the same one again gives the same new run.
            request_id: the request that asks for this, for the logs.

        Raises:
            NotFound: there is no such run.
            Conflict: its definition was deleted.
            IdempotencyKeyReused: the key belongs to a start of something else.
            TemporalUnavailable, DatabaseUnavailable: as `start`.
        """
        old = await self.get(execution_id)
        return await self.start(
            NewRun(
                workflow_id=old.workflow_id,
                input=old.input,
                revision=old.revision,
                idempotency_key=key,
                timeout=None if old.timeout_s is None else timedelta(seconds=old.timeout_s),
                metadata=old.metadata,
                tenant_id=old.tenant_id,
                request_id=request_id,
                replay_of=execution_id,
            )
        )

    async def begin_again(self, request: RunRequest, definition: Definition) -> bool:
        """Start a run that has ended once more; tell whether this did it, and not the same wish before.

        Raises:
            Conflict: it is begun again by another wish.
            TemporalUnavailable: it is not known whether it begins again.
            DatabaseUnavailable: nothing was started.
        """
        request = await self._filler.carried(replace(request, options=self._options))
        try:
            await self._start(request, definition)
        except WorkflowAlreadyStartedError:
            name = start_id(request.execution_id, request.start)
            with absence_as_fault():
                begun = await self._client.get_workflow_handle(name).describe(rpc_timeout=RPC_TIMEOUT)
            if (await begun.memo()).get("wish") != request.wish:
                raise Conflict("the run begins again already, by another wish") from None
            return False
        return True

    async def get(self, execution_id: str) -> RunRecord:
        """Return a run as its row has it; one that has no row yet is pending, and as Temporal has accepted it.

        Raises:
            NotFound: there is no such run.
            TemporalUnavailable: there is no row, and Temporal cannot say whether one is to come.
            DatabaseUnavailable: the row cannot be read.
        """
        record = await self._reads.get(execution_id)
        return await self._without_row(execution_id) if record is None else record

    async def definition_of(self, record: RunRecord) -> Definition:
        """Return the definition that a run runs, in its revision."""
        return (await self._definitions.get(record.workflow_id, record.revision)).definition

    async def wait(self, execution_id: str, seconds: float, *, is_new: bool = False) -> RunRecord:
        """Wait up to `seconds` for a run to end, or until `close`; return it, ended or as it is then.

        The row of one that is not new, started just now, is asked first which workflow works on it.

        Raises:
            As `get`.
        """
        name = start_id(execution_id, 1) if is_new else (await self.get(execution_id)).temporal_id
        await ended_or(self._closing, self._client, name, seconds)
        return await self.get(execution_id)

    def close(self) -> None:
        """End every wait, so that a server can drain: the answer is then the run as it is."""
        self._closing.set()

    def _request(self, execution_id: str, new: NewRun, found: Revision, definition: Definition) -> RunRequest:
        request = request_for(found, definition, new.input, execution_id=execution_id, effects=self._effects)
        return replace(
            request,
            timeout_s=None if new.timeout is None else new.timeout.total_seconds(),
            metadata=new.metadata,
            tenant_id=new.tenant_id,
            parent_execution_id=new.parent_execution_id,
            request_id=new.request_id,
            options=self._options,
            replay_of=new.replay_of,
        )

    async def _start(self, request: RunRequest, definition: Definition) -> None:
        try:
            await self._launcher.launch_once(
                self._client,
                request,
                name=start_id(request.execution_id, request.start),
                summary=summary_of(definition, request.revision),
                has_begun=partial(self._reads.has_begun, request.execution_id, request.start),
            )
        except TemporalUnavailable as error:
            message = f"{error.message}; whether it took the run is unknown: ask for {request.execution_id!r} later"
            raise TemporalUnavailable(message) from error

    async def _without_row(self, execution_id: str) -> RunRecord:
        record = await accepted_run(self._client, execution_id, self._filler)
        record = record or await self._reads.get(execution_id)  # it may have come to its row, and its end, in between
        if record is None:
            raise NotFound(f"there is no execution {execution_id!r}")
        return record


def _started_before(record: RunRecord) -> StartedRun:
    return StartedRun(
        execution_id=record.execution_id,
        workflow_id=record.workflow_id,
        revision=record.revision,
        status=record.status,
        created=False,
    )
