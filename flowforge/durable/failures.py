"""Reads Temporal's failures: one place that knows in which wrapping each of them arrives.

A regular activity's failure is an ActivityError with a cause. A local one's is a bare ApplicationError; its timeout is
an ActivityError when it happens but a bare TimeoutError when the run is replayed, so nobody may tell these two apart;
its cancellation is a bare CancelledError, of asyncio's kind or of Temporal's. Groups are TaskGroup's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    TimeoutError,  # noqa: A004  Temporal's own: not the built-in one
    is_cancelled_exception,
)

FailureKind = Literal["failed", "cancelled", "deadline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a saga unwinds.

    Attributes:
        kind: a step `failed` for good; the run was `cancelled`; the `deadline` passed.
        step: the step that was running, where one was.
        code: a refusal's type, for example `card_declined`; `step_timeout` for the deadline; `cancelled`; `internal`.
        reason: one sentence for people.
        attempts: how often the step was delivered, 0 where unknown.
    """

    kind: FailureKind
    step: str | None
    code: str
    reason: str
    attempts: int = 0


def root(error: BaseException) -> BaseException:
    """Return what really happened: the innermost cause under Temporal's wrapping of activities and child workflows."""
    while isinstance(error, ActivityError | ChildWorkflowError) and error.cause is not None:
        error = error.cause
    return error


def is_final(error: BaseException) -> bool:
    """Tell whether an activity failed for good: a typed, non-retryable refusal. A timeout never is one."""
    cause = root(error)
    return isinstance(cause, ApplicationError) and cause.non_retryable


def is_cancellation(error: BaseException) -> bool:
    """Tell whether an exception is a cancellation, in any of its wrappings."""
    return is_cancelled_exception(error)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group, or the exception itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def unwinding_cause(error: BaseException, ends_run: Callable[[BaseException], bool]) -> BaseException | None:
    """Return the exception for which a saga unwinds, or None when it must not.

    What ends the run unwinds: failures, cancellations, and whatever else the workflow or its worker declares to be a
    failure. Continue-as-new goes on in another run, and any other exception is a bug: Temporal fails the workflow task
    and tries it again, until somebody deploys a fix. In a group, a failure goes before the cancellations that it
    caused; any bug in it makes the whole group a bug. A run that is dropped from memory is not over, and its coroutine
    must not do anything any more.
    """
    if isinstance(error, GeneratorExit):
        return None
    found = list(leaves(error))
    if not ends_run(error) and not all(ends_run(leaf) for leaf in found):
        return None
    return next((leaf for leaf in found if not is_cancelled_exception(leaf)), found[0])


def message_of(error: BaseException) -> str:
    """Return what really happened in the words of whoever raised it."""
    cause = root(error)
    return cause.message if isinstance(cause, FailureError) else f"{type(cause).__name__}: {cause}"


def attempts_of(error: BaseException) -> int:
    """Return how often the failed activity was delivered, as its error's details tell (`{"attempt": n}`); else 0."""
    cause = root(error)
    if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
        attempt = cause.details[0].get("attempt", 0)
        return attempt if isinstance(attempt, int) else 0
    return 0


def describe(error: BaseException, *, step: str | None) -> Failure:
    """Say what failed, as people and the saga's owner see it."""
    if is_cancelled_exception(error):
        return Failure(kind="cancelled", step=step, code="cancelled", reason="cancelled")
    cause, attempts = root(error), attempts_of(error)
    if isinstance(cause, TimeoutError):
        return Failure(kind="failed", step=step, code="step_timeout", reason=f"{step} timed out", attempts=attempts)
    code = cause.type if isinstance(cause, ApplicationError) and cause.type else "internal"
    return Failure(kind="failed", step=step, code=code, reason=message_of(error), attempts=attempts)
