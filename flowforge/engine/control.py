"""What may be done to a run: cancel it, hold it, wake it, decide about it.

A cancellation is a mark on the run's row, which holds whatever becomes of the processes, and then Temporal's own
cancellation, which wakes the run; the one of Temporal's UI works the same. Everything else is an update of the run.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError, FailureError

from flowforge.engine.contracts import RETRY_REFUSED, EventSignal, RetryRun, RunState, UndoDecision
from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.retrying import Obstacle
from flowforge.engine.core.views import RunStatus
from flowforge.engine.data_checks import check_data, check_early
from flowforge.engine.gateway import RunGateway
from flowforge.engine.idempotency import start_id, workflow_ids
from flowforge.engine.launching import RPC_TIMEOUT
from flowforge.engine.sizes import MAX_RESULT_BYTES, size_of
from flowforge.engine.store.records import RunRecord
from flowforge.engine.store.rows import RunRows
from flowforge.engine.workflow import RunWorkflow
from flowforge.errors import Conflict, NotFound, PayloadTooLarge, TemporalUnavailable
from flowforge.temporal.asking import cancel_without_row, unless_gone

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAccepted:
    """A run that has taken note; `status` is the one it had then, `reason` why it was called off first."""

    execution_id: str
    status: RunStatus
    reason: str | None = None


class RetryRefused(Conflict):
    """A run cannot begin again as somebody wishes.

    Attributes:
        obstacles: every reason.
    """

    def __init__(self, found: tuple[Obstacle, ...]) -> None:
        super().__init__("; ".join(obstacle.message for obstacle in found))
        self.obstacles = found


class RunControl:
    """Controls runs. Every method raises NotFound where there is no such run, and Conflict where it is too late.

    Args:
        client: connected to Temporal.
        runs: finds them.
        rows: marks them.
    """

    def __init__(self, client: Client, *, runs: RunGateway, rows: RunRows) -> None:
        self._client = client
        self._runs = runs
        self._rows = rows

    async def cancel(self, execution_id: str, reason: str) -> RunAccepted:
        """Call a run off: no further action starts, and what was done is undone. A repeat answers the same.

        Raises:
            TemporalUnavailable: it has no row yet, and it is not known whether it will be cancelled: repeat it.
        """
        mark = partial(self._rows.mark_cancelled, execution_id)
        marked = await mark(reason)
        if marked is None:
            record = await self._runs.get(execution_id)
            handle = self._client.get_workflow_handle(record.temporal_id)
            marked, reason = await cancel_without_row(handle, reason, mark)
        if marked is None:
            return RunAccepted(execution_id=execution_id, status="pending", reason=reason)
        if marked.reason is None:
            if marked.failure is not None and marked.failure["kind"] == "cancelled":  # from Temporal's side
                return RunAccepted(
                    execution_id=execution_id, status=_status(marked.status), reason=marked.failure["message"]
                )
            raise Conflict(f"the run is {marked.status}")
        if not marked.is_over:
            try:
                await self._request_cancel(start_id(execution_id, marked.starts), marked.reason)
            except TemporalUnavailable as error:
                # The mark holds: the run finds it when it next writes what it does.
                _LOG.warning("cancelled %s, but could not wake it: %s", execution_id, error.message)
        return RunAccepted(execution_id=execution_id, status=_status(marked.status), reason=marked.reason)

    async def pause(self, execution_id: str) -> RunAccepted:
        """Let no further action start; what is in flight goes on, and the deadline stands still."""
        return await self._update(execution_id, RunWorkflow.pause)

    async def resume(self, execution_id: str, data: Any = None, *, key: str | None = None) -> RunAccepted:
        """Let a paused run go on; in any other one, wake what waits first, with data as its result.

        The same key again wakes nothing more.

        Raises:
            InputRefused: the data is not as what waits first says.
        """
        _check_size(data)
        record = await self._runs.get(execution_id)
        if record.status != "paused" and any(each["schema"] is not None for each in record.waiting):
            order = {step.id: at for at, step in enumerate((await self._runs.definition_of(record)).steps)}
            first = min(record.waiting, key=lambda each: (order.get(each["step_id"], 0), each["item"] or 0))
            _check(first["schema"], data)
        return await self._update(execution_id, RunWorkflow.resume, data, key)

    async def signal(self, execution_id: str, name: str, data: Any = None, *, key: str | None = None) -> RunAccepted:
        """Bring an event to whoever waits for it, now or later; the same key again brings no other one.

        Raises:
            InputRefused: the data is not as whoever waits for it says.
        """
        _check_size(data)
        await self._check_event(await self._runs.get(execution_id), name, data)
        return await self._update(execution_id, RunWorkflow.signal, EventSignal(name=name, data=data, key=key))

    async def retry_compensation(self, execution_id: str, step: str) -> RunAccepted:
        """Try a step's undos again that failed for good; while they are tried a repeat changes nothing."""
        record = await self._with_undo(execution_id, step)
        if _became(record, step, "running"):
            return RunAccepted(execution_id=execution_id, status=record.status)
        return await self._update(execution_id, RunWorkflow.retry_compensation, step)

    async def write_off(self, execution_id: str, step: str, *, by: str, reason: str) -> RunAccepted:
        """Give up a step's undos that failed for good; those that were given up stay so, by whoever was first."""
        record = await self._with_undo(execution_id, step)
        if _became(record, step, "written_off"):
            return RunAccepted(execution_id=execution_id, status=record.status)
        return await self._update(execution_id, RunWorkflow.write_off, UndoDecision(step=step, by=by, reason=reason))

    async def retry(self, execution_id: str, retry: RetryRun) -> RunAccepted:
        """Have a run go on that is held open after a failure; `retries` knows of those that have ended, too.

        Raises:
            RetryRefused: it cannot go on as is wished.
        """
        return await self._update(execution_id, RunWorkflow.retry, retry)

    async def compensate(self, execution_id: str) -> RunAccepted:
        """Have a run undone that is held open after a failure; one that is being undone, or is, does not notice."""
        record = await self._runs.get(execution_id)
        if record.status in {"compensating", "compensated"}:
            return RunAccepted(execution_id=execution_id, status=record.status)
        return await self._update(execution_id, RunWorkflow.compensate)

    async def _check_event(self, record: RunRecord, name: str, data: Any) -> None:
        waiting = [each for each in record.waiting if each["event"] == name]
        if waiting:
            _check(waiting[0]["schema"], data)
        elif not record.is_over:  # it is kept for the first step that will wait for it
            check_early(await self._runs.definition_of(record), name, data)

    async def _with_undo(self, execution_id: str, step: str) -> RunRecord:
        record = await self._runs.get(execution_id)
        if all(undos.step_id != step for undos in record.undo_counts):
            if record.status == "needs_attention":
                raise NotFound(f"the run has no undo of {step!r}")
            raise Conflict(f"the run waits for no operator: it is {record.status}")
        return record

    async def _request_cancel(self, temporal_id: str, reason: str) -> None:
        handle = self._client.get_workflow_handle(temporal_id)
        await unless_gone(lambda: handle.cancel(reason=reason, rpc_timeout=RPC_TIMEOUT))

    async def _update(self, execution_id: str, update: Any, *arguments: Any) -> RunAccepted:
        record = await self._runs.get(execution_id)  # whoever has that name must be a run
        if record.is_over:
            raise Conflict(f"the run is {record.status}")
        seconds = RPC_TIMEOUT.total_seconds()
        names = workflow_ids(execution_id, record.starts)
        handles = [self._client.get_workflow_handle(name) for name in names]
        state: RunState | None = None
        try:
            async with asyncio.timeout(seconds):
                for handle in handles:
                    state = state or await unless_gone(partial(handle.execute_update, update, args=arguments))
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise TemporalUnavailable(
                f"{execution_id!r} did not answer within {seconds:g} s: perhaps no worker runs; "
                "whether it takes note later is unknown"
            ) from None
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == RETRY_REFUSED:
                raise RetryRefused(tuple(Obstacle(**each) for each in cause.details[0])) from error
            raise Conflict(cause.message if isinstance(cause, FailureError) else str(cause)) from error
        if state is None:
            raise Conflict(f"the run is {(await self._runs.get(execution_id)).status}")
        return RunAccepted(execution_id=execution_id, status=state.status)


def _became(record: RunRecord, step: str, status: UndoStatus) -> bool:
    """Tell whether a step's undos wait for no decision any more because of one that led to this."""
    this = (step, record.generation)
    found = {undos.status for undos in record.undo_counts if (undos.step_id, undos.generation) == this}
    return status in found and "failed" not in found


def _check(schema: Any, data: Any) -> None:
    if schema is not None:
        check_data(schema, data)


def _check_size(data: Any) -> None:
    if size_of(data) > MAX_RESULT_BYTES:
        raise PayloadTooLarge(f"the data is larger than {MAX_RESULT_BYTES} bytes")


def _status(text: str) -> RunStatus:
    status: Any = text
    return status  # type: ignore[no-any-return]
