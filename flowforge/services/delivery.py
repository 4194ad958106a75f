"""Delivering a step to its service from a Temporal activity: which attempt it is, what its errors mean to a saga."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from flowforge.durable.fence import StepCall
from flowforge.errors import (
    DatabaseUnavailable,
    EffectFenced,
    Fault,
    FlowForgeError,
    InjectedFault,
    OrderCancelled,
    Refusal,
)
from flowforge.services.faults import Faults
from flowforge.services.journal import FailedAttempt, Journal

Answer = TypeVar("Answer")


class BindLogContext(Protocol):
    """Adds values to every log line that the present task writes from now on."""

    def __call__(self, **values: str) -> object:
        """Bind `values`."""
        ...


class Delivery:
    """Runs one attempt of a step, for the activities of every service.

    A saga sees an error only as a typed ApplicationError whose type is the error's code: refusals, fenced effects and
    injected faults that are for good are not retryable, everything else is. The attempt's number is in its details.
    """

    def __init__(
        self, journal: Journal[Any], faults: Faults, bind: BindLogContext | None = None, *, worker: str = ""
    ) -> None:
        """Take its surroundings.

        Args:
            journal: notes failed attempts.
            faults: injects those that were asked for.
            bind: binds the log context; None for nothing.
            worker: this process, as Temporal names it.
        """
        self._worker = worker
        self._journal = journal
        self._faults = faults
        self._bind = bind

    async def run(self, call: StepCall, operation: str, perform: Callable[[StepCall], Awaitable[Answer]]) -> Answer:
        """Perform a step as Temporal's present attempt of it.

        Args:
            call: the step as the workflow asked for it.
            operation: the ledger's name of the forward operation, for an undo too.
            perform: brings it about; gets the call with the attempt's number.

        Raises:
            ApplicationError: see the class.
        """
        info = activity.info()
        started_at = datetime.now(UTC)
        placement = "local" if info.is_local else "queue"
        call = call.on_attempt(info.attempt, worker=self._worker, placement=placement)
        if self._bind is not None:
            self._bind(**_log_context(call, info.workflow_id))
        try:
            answer = await perform(call)
            self._faults.after_commit(call, operation)
        except (Refusal, EffectFenced) as refusal:
            # An answer, not a fault: nothing for the log. Those in the ledger were noted with its row.
            if call.undo is not None or isinstance(refusal, OrderCancelled):
                await self._note(call, operation, refusal.code, refusal.message, started_at, retried=False)
            raise _failure(refusal, call, retried=False, category=ApplicationErrorCategory.BENIGN) from refusal
        except InjectedFault as fault:
            final = self._faults.is_final(call)
            await self._note(call, operation, fault.code, fault.message, started_at, retried=not final)
            raise _failure(fault, call, retried=not final) from fault
        except DatabaseUnavailable as fault:
            # There is nowhere to note it.
            raise _failure(fault, call, retried=True) from fault
        except Fault as fault:
            await self._note(call, operation, fault.code, fault.message, started_at)
            raise _failure(fault, call, retried=True) from fault
        except Exception as error:
            # A defect, perhaps gone with the next deployment: it must not decide an order.
            message = f"{type(error).__name__}: {error}"
            await self._note(call, operation, "internal", message, started_at)
            raise ApplicationError(message, {"attempt": call.attempt}, type="internal") from error
        return answer

    async def _note(
        self, call: StepCall, operation: str, code: str, message: str, started_at: datetime, *, retried: bool = True
    ) -> None:
        await self._journal.attempt_failed(
            FailedAttempt(
                call=call,
                operation=operation,
                code=code,
                message=message,
                retried=retried,
                started_at=started_at,
                at=datetime.now(UTC),
            )
        )


def _failure(
    error: FlowForgeError,
    call: StepCall,
    *,
    retried: bool,
    category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
) -> ApplicationError:
    return ApplicationError(
        error.message, {"attempt": call.attempt}, type=error.code, non_retryable=not retried, category=category
    )


def _log_context(call: StepCall, workflow_id: str | None) -> dict[str, str]:
    return {**call.labels, "workflow_id": workflow_id} if workflow_id is not None else dict(call.labels)
