"""The life of a saga: steps forward, and from the first failure, cancellation or missed deadline, the way back.

Four ways out of the block are told apart. A failure, a cancellation and the deadline unwind. Continue-as-new goes on in
the next run, and a bug leaves the workflow task to be tried again: neither unwinds. The eviction of a run from a
worker's cache looks like a cancellation, but the SDK refuses the first command on the way back: nothing is undone.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from temporalio.exceptions import ApplicationError

from flowforge.durable.compensation import Compensation
from flowforge.durable.failures import Failure, describe, unwinding_cause
from flowforge.durable.policies import Policies
from flowforge.durable.runtime import Runtime, TemporalRuntime
from flowforge.durable.undo import Undos

R = TypeVar("R")


class SagaOwner(Protocol):
    """Whoever keeps account of a saga. Its methods run shielded from cancellation."""

    async def unwinding(self, failure: Failure) -> bool:
        """Take note that the saga turns back; return False where it is too late: the saga then counts as completed."""
        ...

    async def needs_attention(self) -> None:
        """Take note that an undo can never succeed, and that all others are done."""
        ...

    async def unwound(self, failure: Failure) -> None:
        """Take note that everything was undone or written off."""
        ...

    def changed(self) -> None:
        """Take note that the saga's progress changed."""
        ...


class NoOwner:
    """The owner of a saga that nobody keeps account of."""

    async def unwinding(self, failure: Failure) -> bool:  # noqa: ARG002
        """Always turn back."""
        return True

    async def needs_attention(self) -> None:
        """Note nothing."""

    async def unwound(self, failure: Failure) -> None:
        """Note nothing."""

    def changed(self) -> None:
        """Note nothing."""


class SagaScope:
    """What the sagas have in common: an async context that unwinds.

    Attributes:
        completed: the steps that have answered, in the order in which they did.
        failure: why the saga unwinds, None while it goes forward.
    """

    def __init__(
        self, *, deadline: timedelta | None, policies: Policies | None, owner: SagaOwner | None, runtime: Runtime | None
    ) -> None:
        self.completed: list[str] = []
        self.failure: Failure | None = None
        self._deadline = deadline
        self._policies = policies or Policies()
        self._owner = owner or NoOwner()
        self._runtime = runtime or TemporalRuntime()
        self._undos = Undos(self._runtime, self._owner.changed)
        self._in_flight: dict[asyncio.Task[Any], str] = {}
        self._failed_step: str | None = None
        self._timer: asyncio.Task[None] | None = None
        self._expired = False

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

    def retry(self, name: str) -> None:
        """Have an undo that failed for good tried again; ValueError where none of this name is stuck."""
        self._undos.retry(name)

    def write_off(self, name: str, *, by: str, reason: str) -> None:
        """Give up an undo that failed for good; ValueError where none of this name is stuck."""
        self._undos.write_off(name, by=by, reason=reason)

    async def __aenter__(self) -> Self:
        body = asyncio.current_task()
        if self._deadline is not None and body is not None:
            self._timer = asyncio.create_task(self._expire(body, self._deadline))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        cause = unwinding_cause(error) if error is not None else None
        if error is None or cause is None:
            return False
        self.failure = self._failure(cause)
        if not await _outlive_cancellation(asyncio.create_task(self._unwind(self.failure))):
            return True
        if self.failure.kind == "deadline":
            raise ApplicationError(self.failure.reason, type=self.failure.code, non_retryable=True) from error
        if cause is not error:
            raise cause from error
        return False

    async def _track(self, name: str, work: Coroutine[Any, Any, R]) -> R:
        """Run a forward step, known to be in flight, so that unwinding can wait until it has settled."""
        if self.failure is not None or self._runtime.is_cancelled():
            work.close()
            raise asyncio.CancelledError
        task = asyncio.create_task(work)
        self._in_flight[task] = name
        self._owner.changed()
        try:
            answer = await task
        except BaseException:
            self._failed_step = self._failed_step or name
            raise
        finally:
            del self._in_flight[task]
        self.completed.append(name)
        self._owner.changed()
        if self._expired or self._runtime.is_cancelled():
            # A step that was waited for although cancelled has answered: its answer swallowed the cancellation.
            raise asyncio.CancelledError
        return answer

    async def _expire(self, body: asyncio.Task[Any], deadline: timedelta) -> None:
        await self._runtime.sleep(deadline, summary="deadline of the saga")
        self._expired = True
        body.cancel()

    def _failure(self, cause: BaseException) -> Failure:
        if not self._expired:
            return describe(cause, step=self._failed_step)
        step = self._failed_step or "the saga"
        limit = self._deadline.total_seconds() if self._deadline else 0
        reason = f"{step} did not finish before the deadline of {limit:g} s"
        return Failure(kind="deadline", step=self._failed_step, code="step_timeout", reason=reason)

    async def _unwind(self, failure: Failure) -> bool:
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        if not await self._owner.unwinding(failure):
            return False
        await self._undos.run(self._owner.needs_attention)
        await self._owner.unwound(failure)
        return True


async def _outlive_cancellation(task: asyncio.Task[R]) -> R:
    """Wait for a task to end, however often the waiting is cancelled."""
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
