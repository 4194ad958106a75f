"""The life of a saga: steps forward, and from the first failure, cancellation or missed deadline, the way back.

Four ways out of the block are told apart. Whatever ends the run unwinds: a failure, a cancellation, the deadline.
Continue-as-new goes on in the next run, and a bug leaves the workflow task to be tried again: neither unwinds. The
eviction of a run from a worker's cache looks like a cancellation, but the SDK refuses the first command on the way
back: nothing is undone.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from temporalio.exceptions import ApplicationError

from flowforge.durable.compensation import Compensation
from flowforge.durable.failures import Failure, describe, is_cancellation, unwinding_cause
from flowforge.durable.owner import NoOwner, SagaOwner
from flowforge.durable.policies import Policies
from flowforge.durable.runtime import Runtime, TemporalRuntime
from flowforge.durable.undo import Undos

R = TypeVar("R")


class SagaScope:
    """What the sagas have in common: an async context that unwinds.

    Attributes:
        completed: the steps that have answered, in the order in which they did.
        failure: why the saga unwinds, None while it goes forward.
        time_held: how long steps were kept waiting in all; the deadline has moved on by as much.
    """

    def __init__(
        self,
        *,
        deadline: timedelta | None,
        policies: Policies | None,
        owner: SagaOwner | None,
        runtime: Runtime | None,
        patience: timedelta | None = None,
    ) -> None:
        self.completed: list[str] = []
        self.failure: Failure | None = None
        self.time_held = timedelta()
        self._deadline = deadline
        self._policies = policies or Policies()
        self._owner = owner or NoOwner()
        self._runtime = runtime or TemporalRuntime()
        self._undos = Undos(self._runtime, self._owner.changed, patience)
        self._in_flight: dict[asyncio.Task[Any], str] = {}
        self._failures: list[tuple[BaseException, str]] = []
        self._body: asyncio.Task[Any] | None = None
        self._is_open = False
        self._is_after_cancellation = False
        self._timer: asyncio.Task[None] | None = None
        self._expired = False
        self._expires_at = 0.0
        self._is_on_hold = False
        self._held_steps = 0
        self._held_since = 0.0

    @property
    def current_step(self) -> str | None:
        """The step that runs now, the latest where several do, or None."""
        return next(reversed(self._in_flight.values()), None)

    @property
    def compensations(self) -> tuple[Compensation, ...]:
        """Every undo registered so far, in the order in which they run."""
        return self._undos.compensations

    @property
    def compensation_triggered(self) -> bool:
        """Whether some undo found an effect."""
        return any(undo.status == "completed" for undo in self.compensations)

    @property
    def undecided(self) -> tuple[str, ...]:
        """The undos that failed for good and wait for `retry` or `write_off`."""
        return self._undos.undecided

    def retry(self, name: str) -> None:
        """Have an undo that failed for good tried again; ValueError where none of this name is stuck."""
        self._undos.retry(name)

    def write_off(self, name: str, *, by: str, reason: str) -> None:
        """Give up an undo that failed for good; ValueError where none of this name is stuck."""
        self._undos.write_off(name, by=by, reason=reason)

    def hold(self) -> None:
        """Keep the next step waiting until `release`; what is in flight goes on, and undos are never held."""
        self._is_on_hold = True

    def release(self) -> None:
        """Let a saga go on that was held."""
        self._is_on_hold = False

    async def __aenter__(self) -> Self:
        body = asyncio.current_task()
        if self._body is not None or body is None:
            raise RuntimeError("a saga is walked once: make another one")
        self._body = body
        self._is_open = True
        # A cancellation that was delivered before is none of this saga's: the saga may belong to a clean-up after it.
        self._is_after_cancellation = body.cancelling() > 0
        if self._deadline is not None:
            self._expires_at = _now() + self._deadline.total_seconds()
            self._run_timer(body)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        if error is None:
            if not self._in_flight:
                return False
            error = RuntimeError(f"await every step inside the saga's block: {self.current_step} was still in flight")
        cause = unwinding_cause(error, self._runtime.ends_run)
        if cause is None:
            raise error
        if self._expired and self._body is not None:
            self._body.uncancel()
        self.failure = self._failure(cause)
        if not await outlive_cancellation(asyncio.create_task(self._unwind(self.failure))):
            return True
        if self.failure.kind == "deadline":
            raise ApplicationError(self.failure.reason, type=self.failure.code, non_retryable=True) from error
        if cause is not error:
            raise cause from error
        return False

    async def _track(self, name: str, work: Coroutine[Any, Any, R]) -> R:
        """Run a forward step, known to be in flight, so that unwinding can wait until it has settled."""
        try:
            while self._is_on_hold and self._is_open and not self._is_called_off():
                await self._stand_still()
        except BaseException:
            work.close()
            raise
        if self.failure is not None or self._is_called_off():
            work.close()
            raise asyncio.CancelledError
        if not self._is_open:
            work.close()
            raise RuntimeError(f"{name} is a step outside its saga's `async with` block: nothing would undo it")
        task = asyncio.create_task(work)
        self._in_flight[task] = name
        self._owner.changed()
        try:
            answer = await task
        except BaseException as error:
            self._failures.append((error, name))
            raise
        finally:
            del self._in_flight[task]
        self.completed.append(name)
        self._owner.changed()
        if self._is_called_off():
            # A step that was waited for although cancelled has answered: its answer swallowed the cancellation.
            raise asyncio.CancelledError
        return answer

    def _is_called_off(self) -> bool:
        return self._expired or (self._runtime.is_cancelled() and not self._is_after_cancellation)

    async def _stand_still(self) -> None:
        """Keep a step waiting; while any step is, the deadline stands still too."""
        self._held_steps += 1
        if self._held_steps == 1:
            self._held_since = _now()
            if self._timer is not None:
                self._timer.cancel()
        try:
            if await self._owner.held():
                await self._runtime.wait_until(lambda: not self._is_on_hold)
            else:
                self._is_on_hold = False
        except GeneratorExit:
            raise  # dropped from memory: there is no time to be asked for any more, and nothing goes on
        except BaseException:
            self._go_on()
            raise
        self._go_on()
        if self._held_steps == 0:
            await self._owner.released()

    def _go_on(self) -> None:
        self._held_steps -= 1
        if self._held_steps == 0:
            self._move_deadline(_now() - self._held_since)

    def _move_deadline(self, by_s: float) -> None:
        self.time_held += timedelta(seconds=by_s)
        self._expires_at += by_s
        if self._timer is not None and self._body is not None and self._is_open:
            self._run_timer(self._body)

    def _forget_deadline(self) -> None:
        """Let the rest take as long as it takes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_timer(self, body: asyncio.Task[Any]) -> None:
        self._timer = asyncio.create_task(self._expire(body, timedelta(seconds=self._expires_at - _now())))

    async def _expire(self, body: asyncio.Task[Any], left: timedelta) -> None:
        await self._runtime.sleep(left, summary="deadline of the saga")
        self._expired = True
        body.cancel()

    def _failure(self, cause: BaseException) -> Failure:
        step = self._step_of(cause)
        if not self._expired:
            return describe(cause, step=step)
        limit = self._deadline.total_seconds() if self._deadline else 0
        reason = f"{step or 'the saga'} did not finish before the deadline of {limit:g} s"
        return Failure(kind="deadline", step=step, code="step_timeout", reason=reason)

    def _step_of(self, cause: BaseException) -> str | None:
        """Return the step whose failure this is; a cancellation may be made anew on its way up."""
        for error, name in reversed(self._failures):
            if error is cause or (is_cancellation(error) and is_cancellation(cause)):
                return name
        return None

    async def _unwind(self, failure: Failure) -> bool:
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        if not await self._owner.unwinding(failure):
            return False
        await self._undos.run(self._owner.needs_attention)
        await self._owner.unwound(failure)
        return True


def _now() -> float:
    """Return the loop's time in seconds: in a workflow it is the run's own, the same in every replay."""
    return asyncio.get_running_loop().time()


async def outlive_cancellation(task: asyncio.Task[R]) -> R:
    """Wait for a task to end, however often the waiting is cancelled."""
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
