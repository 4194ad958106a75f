"""The one workflow that runs every definition: a shell around the interpreter, which decides everything."""

import asyncio
import json
from dataclasses import asdict, replace
from datetime import timedelta
from functools import lru_cache

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from flowforge.engine.contracts import (
    CANCEL_RUN,
    RETRY_REFUSED,
    RUN_WORKFLOW,
    CancelRun,
    Carried,
    EventSignal,
    RetryRun,
    RunEnded,
    RunRequest,
    RunState,
    UndoDecision,
)
from flowforge.engine.core.bindings import Bindings
from flowforge.engine.core.events import (
    CancelRequested,
    Compensate,
    Event,
    EventArrived,
    PauseRequested,
    Resumed,
    Retry,
    UndoRetried,
    UndoWrittenOff,
)
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.retrying import obstacles
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.views import RunStatus
from flowforge.engine.definition.model import Definition
from flowforge.engine.driver import Driver
from flowforge.engine.leaving import arrives_with
from flowforge.engine.sizes import MAX_CALL_BYTES, MAX_MAIL, size_of
from flowforge.engine.telling import run_state

_CANCEL_TIMEOUT = timedelta(seconds=10)


@workflow.defn(name=RUN_WORKFLOW)
class RunWorkflow:
    """Runs a definition, or makes it whole.

    Ends Completed, Failed (compensated or not; the state is in its details) or Canceled.
    """

    @workflow.init
    def __init__(self, request: RunRequest) -> None:
        plan, bindings = _prepared(
            json.dumps(request.definition, sort_keys=True), tuple(request.effect_free), request.unseen
        )
        self._request = request
        self._driver = Driver(request, plan, bindings)

    @workflow.run
    async def run(self, request: RunRequest) -> RunEnded:
        """Run the definition.

        Returns:
            How it ended: completed.

        Raises:
            ApplicationError: it failed; its type is the failure's code, its detail the state.
            asyncio.CancelledError: it was cancelled and made whole.
        """
        status = await self._drive()
        if isinstance(status, Carried):
            workflow.continue_as_new(self._continued(status))
        if status == "completed" or request.overruled is not None:
            return self._ended(status)
        state = self._state()
        if status == "cancelled":
            await self._be_cancelled(state.failure_reason or "cancelled")
        raise ApplicationError(
            state.failure_reason or status, state, type=state.failure_code or status, non_retryable=True
        )

    @workflow.query
    def state(self) -> RunState:
        """Return where the run is."""
        return self._state()

    @workflow.update
    async def pause(self) -> RunState:
        """Let no further action start; what is in flight goes on."""
        return await self._told(PauseRequested())

    @pause.validator
    def _validate_pause(self) -> None:
        self._must_be("new", "forward")

    @workflow.update
    async def resume(self, data: object = None, key: str | None = None) -> RunState:
        """Let a paused run go on; in any other one, wake what waits first, with data as its result."""
        return await self._told(Resumed(await self._driver.keeping.carried(data)), key and f"resume:{key}")

    @resume.validator
    def _validate_resume(self, data: object = None, key: str | None = None) -> None:  # noqa: ARG002  as its update
        self._must_be("new", "forward")

    @workflow.update
    async def signal(self, event: EventSignal) -> RunState:
        """Bring an event to whoever waits for it, now or later."""
        arrived = EventArrived(event.name, await self._driver.keeping.carried(event.data))
        return await self._told(arrived, event.key and f"signal:{event.name}:{event.key}")

    @signal.validator
    def _validate_signal(self, event: EventSignal) -> None:
        self._must_be("new", "forward", "held")
        state = self._driver.state
        is_awaited = any(task.wait is not None and task.wait.event == event.name for task in state.tasks.values())
        if not is_awaited and len(state.mail) >= MAX_MAIL:
            raise _conflict(f"the run keeps {MAX_MAIL} events already that nobody waits for yet")

    @workflow.update
    async def retry_compensation(self, step: str) -> RunState:
        """Try a step's undos again that failed for good."""
        return await self._told(UndoRetried(step))

    @retry_compensation.validator
    def _validate_retry_compensation(self, step: str) -> None:
        self._must_wait_for_decision(step)

    @workflow.update
    async def write_off(self, decision: UndoDecision) -> RunState:
        """Give a step's undos up that failed for good, so that the run can end."""
        return await self._told(UndoWrittenOff(step=decision.step, by=decision.by, reason=decision.reason))

    @write_off.validator
    def _validate_write_off(self, decision: UndoDecision) -> None:
        self._must_wait_for_decision(decision.step)

    @workflow.update
    async def retry(self, request: RetryRun) -> RunState:
        """Have a held run go on; a repeat of what it does already changes nothing."""
        if not self._does_already(request):
            await self._driver.retried(request)
        return self._state()

    @retry.validator
    def _validate_retry(self, request: RetryRun) -> None:
        if self._does_already(request):
            return
        self._must_be("held")
        driver, plan = self._driver, self._driver.plan
        if driver.pending is not None:
            raise _conflict("the run is being retried otherwise")
        if request.definition is not None:
            moved = replace(self._request, local_effects=request.local_effects)
            plan, _ = _prepared(
                json.dumps(request.definition, sort_keys=True), tuple(request.effect_free), moved.unseen
            )
            if driver.state.tasks:
                raise _conflict("something is still under way: the run takes another revision when that has ended")
            if not arrives_with(request, driver.carried(), self._request):
                raise _conflict("the run carries too much to go on with another revision")
        found = obstacles(plan, driver.state, Retry(step=request.step), before=driver.plan)
        if found:
            raise ApplicationError(
                found[0].message, [asdict(each) for each in found], type=RETRY_REFUSED, non_retryable=True
            )

    @workflow.update
    async def compensate(self) -> RunState:
        """Have a held run undone."""
        return await self._told(Compensate())

    @compensate.validator
    def _validate_compensate(self) -> None:
        self._must_be("held")

    async def _drive(self) -> RunStatus | Carried:
        """Run to the end, whatever cancels this: a cancellation is an event like others, and undo is shielded."""
        driving = asyncio.create_task(self._driver.run())
        is_cancelled = False
        while True:
            try:
                return await asyncio.shield(driving)
            except asyncio.CancelledError:
                reason = workflow.cancellation_reason()
                if is_cancelled or reason is None or driving.done():
                    raise  # the run is dropped from memory: it must do nothing any more
                is_cancelled = True
                self._driver.tell(CancelRequested(reason=reason or "cancelled"))

    def _ended(self, status: RunStatus) -> RunEnded:
        """Return what a run gives back; one that was started by another run tells it enough to undo it."""
        name = self._request.execution_id
        if self._request.parent_execution_id is None or status != "completed":
            return RunEnded(execution_id=name, status=status)
        carried, output = self._driver.carried(), self._driver.state.output
        is_small = size_of(carried.state) <= MAX_CALL_BYTES
        return RunEnded(
            execution_id=name,
            status=status,
            output=None if isinstance(output, Stored) else output,
            stored=output if isinstance(output, Stored) else None,
            carried=carried if is_small else None,
        )

    async def _be_cancelled(self, reason: str) -> None:
        """End as Canceled; a run does when Temporal was asked to cancel it, and a mark on its row can do without."""
        if workflow.cancellation_reason() is None:
            await workflow.execute_local_activity(
                CANCEL_RUN, CancelRun(reason=reason), start_to_close_timeout=_CANCEL_TIMEOUT
            )
            await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None)
        raise asyncio.CancelledError

    async def _told(self, event: Event, key: str | None = None) -> RunState:
        await self._driver.told(event, key)
        return self._state()

    def _state(self) -> RunState:
        return run_state(self._request, self._driver.plan, self._driver.state)

    def _does_already(self, retry: RetryRun) -> bool:
        """Tell whether a retry is a repeat of the one after which the run goes on."""
        driver = self._driver
        if driver.pending is not None:
            return driver.pending.wish is not None and driver.pending.wish == retry.wish
        return retry.wish is not None and driver.wish == retry.wish and driver.state.phase != "held"

    def _continued(self, carried: Carried) -> RunRequest:
        """Return with what the run goes on in another run of Temporal's."""
        request = self._request
        again = replace(
            request,
            carried=carried,
            overruled=request.overruled and "",
            retry=None,
            wish=self._driver.wish,
            generation=self._driver.state.generation,
        )
        moving = self._driver.pending
        if moving is None or moving.definition is None:
            return again
        return replace(
            again,
            revision=moving.revision or request.revision,
            definition=moving.definition,
            effect_free=moving.effect_free,
            local_effects=moving.local_effects,
            retry=replace(moving, definition=None),
        )

    def _must_be(self, *phases: str) -> None:
        """Refuse what is impossible before it is in history."""
        if self._driver.state.phase not in phases:
            raise _conflict(f"the run is {self._state().status}")

    def _must_wait_for_decision(self, step: str) -> None:
        undos = self._driver.state.undos
        if not any(entry.key.step == step and entry.status == "failed" for entry in undos):
            raise _conflict(f"no undo of {step!r} waits for an operator")


def _conflict(message: str) -> ApplicationError:
    return ApplicationError(message, type="conflict", non_retryable=True)


@lru_cache(maxsize=64)
def _prepared(definition: str, effect_free: tuple[str, ...], unseen: tuple[str, ...]) -> tuple[Plan, Bindings]:
    plan = Plan.of(Definition.model_validate(json.loads(definition)), effect_free=effect_free, unseen=unseen)
    return plan, Bindings(plan)
