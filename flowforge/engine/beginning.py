"""Begins a turn's only step together with the turn's save, as one local activity: the row is written first.

Each local activity costs a turn of the workflow, an entry of its history and a round trip through its worker; a chain
of steps inside a workflow task takes half as many of them so.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.calls import Call
from flowforge.engine.core.keys import Key
from flowforge.engine.saving import BEGIN, BeginStep, RunSaved, SaveRun, StepBegun

_ONCE: Final = RetryPolicy(maximum_attempts=1)
_WAIT: Final = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


class Beginning:
    """A step that begins with the save of its turn.

    Args:
        key: its unit of work.
        call: what is asked of its action.
        turn: what is to be written before, whole.
        timeout: how long both may take.
        summary: how Temporal's UI names it.

    Attributes:
        at: when it was asked for.
    """

    def __init__(self, key: Key, call: Call, turn: SaveRun, *, timeout: timedelta, summary: str) -> None:
        self.key: Final = key
        self.call: Final = call
        self.at: Final = workflow.now()
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

    async def saved(self, has_news: Callable[[], bool]) -> RunSaved | None:
        """Return the row after the save; None where the turn has to be saved once more to know that.

        A step that failed does not say what its row was, and one that still runs when the run has news does not yet.
        """
        await workflow.wait_condition(lambda: self._both.done() or has_news())
        if not self._both.done() or self._both.cancelled() or self._both.exception() is not None:
            return None
        return self._both.result().saved

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
        answer = (await self._both).answer
        if answer is None and self._is_called_off:
            await workflow.wait_condition(lambda: False)
        return answer
