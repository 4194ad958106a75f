"""Begins a turn's only step together with the turn's save, as one local activity: the row is written first.

Each local activity costs a turn of the workflow, an entry of its history and a round trip through its worker; a chain
of steps inside a workflow task takes half as many of them so.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

from flowforge.durable.failures import root
from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.calls import Call
from flowforge.engine.saving import BEGIN, BEGUN, BeginStep, RunSaved, SaveRun, StepBegun

_ONCE: Final = RetryPolicy(maximum_attempts=1)
_WAIT: Final = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


class Beginning:
    """A step that begins with the save of its turn.

    Args:
        call: what is asked of its action.
        turn: what is to be written before, whole.
        timeout: how long both may take.
        summary: how Temporal's UI names it.

    Attributes:
        at: when the step began, as far as that is known: the save takes none of its time. Read it after `answer`.
    """

    def __init__(self, call: Call, turn: SaveRun, *, timeout: timedelta, summary: str) -> None:
        self.call: Final = call
        self.at = self._asked = self._ended = workflow.now()
        self._turn = turn
        self._is_called_off = False
        self._both: workflow.ActivityHandle[StepBegun] = workflow.start_local_activity(
            BEGIN,
            BeginStep(turn=turn, call=call.request),
            result_type=StepBegun,
            start_to_close_timeout=timeout,
            retry_policy=_ONCE,
            cancellation_type=_WAIT,
            summary=summary,
        )
        self._both.add_done_callback(self._note_end)

    async def saved(self, has_news: Callable[[], bool]) -> RunSaved | None:
        """Return the row after the save; None where the turn has to be saved once more to know that.

        One that still runs when the run has news does not say it yet, and one that failed may not have come so far.
        """
        await workflow.wait_condition(lambda: self._both.done() or has_news())
        if not self._both.done() or self._both.cancelled():
            return None
        error = self._both.exception()
        if error is None:
            return self._both.result().saved
        return RunSaved(status=self._turn.status) if _is_of_step(root(error)) else None

    def call_off(self) -> None:
        """Take note that the run is told that it was called off: a step that has not begun waits to be cancelled."""
        self._is_called_off = True

    async def end(self) -> None:
        """Have the step stop, because the run is over, and wait until it has."""
        self._both.cancel()
        await workflow.wait_condition(self._both.done)

    async def answer(self) -> ActionAnswer | None:
        """Return the step's answer, None where it was not begun.

        Raises:
            FailureError: it refused, failed, was cancelled, or both took too long.
        """
        try:
            begun = await self._both
        except FailureError as error:
            failure, after_s = _of_step(error)
            if failure is not None:
                self._count(after_s)
                raise failure  # noqa: B904  its own cause is what it failed with
            begun = StepBegun()
        if begun.answer is not None:
            self._count(begun.after_s)
            return begun.answer
        if self._is_called_off:
            await workflow.wait_condition(lambda: False)
        self.at = workflow.now()
        return None

    def _note_end(self, _both: Any) -> None:
        self._ended = workflow.now()

    def _count(self, after_s: float) -> None:
        """Have the step begin so long ago as it took, without what came before it and has come since."""
        taken = self._ended - self._asked - timedelta(seconds=after_s)
        self.at = workflow.now() - max(taken, timedelta())


def _is_of_step(cause: BaseException) -> bool:
    return isinstance(cause, ApplicationError) and cause.type == BEGUN


def _of_step(error: FailureError) -> tuple[BaseException | None, float]:
    """Return with what a step failed, and how long the save before it took; None where it cannot have begun."""
    cause = root(error)
    if not isinstance(cause, ApplicationError):
        return error, 0.0  # too slow, or called off: nobody knows how far it came
    return (cause.cause, cause.details[0]) if _is_of_step(cause) else (None, 0.0)
