"""One action on its way: attempt after attempt in virtual time, until it answers, refuses, or its time is over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from flowforge.engine.actions.contract import AFTER_THE_EFFECT, ActionAnswer
from flowforge.engine.core.outcomes import Outcome, OutcomeKind, StepError
from flowforge.engine.tries import Tries
from flowforge.testing.mocks import Answered
from flowforge.testing.timeline import Timeline

ENDLESS: Final = 1_000
"""After how many attempts a test takes it that they go on for ever: no further one is made."""

End = ActionAnswer | Outcome
"""What an action comes to: its answer, or how else it ended."""


class Attempts:
    """Tries an action.

    Args:
        timeline: virtual time.
        tries: how often and how fast.
        call: runs one attempt, by its number.
        ended: told of the end, once.

    Attributes:
        count: how many attempts there were.
    """

    def __init__(
        self, timeline: Timeline, tries: Tries, call: Callable[[int], Answered], ended: Callable[[End], None]
    ) -> None:
        self.count = 0
        self._timeline = timeline
        self._tries = tries
        self._call = call
        self._ended = ended
        self._next: int | None = None
        self._found: Answered | None = None
        self._end_at: datetime | None = None if tries.timeout is None else timeline.now + tries.timeout
        self._is_over = False

    def begin(self) -> None:
        """Make the first attempt."""
        self._plan(timedelta(), self._attempt)

    def stop(self) -> None:
        """End it now: what it would have answered is not heard any more, unless it insists."""
        if self._found is not None and self._found.insists is not None:
            self._finish(self._found.insists)
            return
        self._finish(Outcome(kind="cancelled", error=StepError(code="cancelled", message="cancelled")))

    def _attempt(self) -> None:
        self.count += 1
        self._found = found = self._call(self.count)
        limit = self._tries.attempt_timeout
        if found.takes is None or found.takes > limit:
            found = Answered(takes=limit)
        self._plan(found.takes or timedelta(), lambda: self._attempt_ended(found))

    def _attempt_ended(self, found: Answered) -> None:
        self._found = None
        if found.answer is not None:
            self._finish(found.answer)
        elif found.refusal is not None:
            error = StepError(code=found.refusal.code, message=found.refusal.message)
            self._finish(Outcome(kind="failed" if error.code in AFTER_THE_EFFECT else "refused", error=error))
        else:
            code = "step_timeout" if found.failure is None else found.failure.code
            message = "did not answer in time" if found.failure is None else found.failure.message
            pause = self._pause(found)
            is_in_time = self._end_at is None or self._timeline.now + pause < self._end_at
            if is_in_time and self._tries.again(self.count, code):
                if self.count < ENDLESS:
                    self._plan(pause, self._attempt)
                elif self._end_at is not None:
                    self._plan(self._end_at - self._timeline.now, self._time_is_over)
                return
            kind: OutcomeKind = "timed_out" if found.failure is None else "failed"
            self._finish(Outcome(kind=kind, error=StepError(code=code, message=message)))

    def _pause(self, found: Answered) -> timedelta:
        asked = None if found.failure is None else found.failure.retry_after
        return self._tries.pause(self.count) if asked is None else asked

    def _plan(self, length: timedelta, act: Callable[[], None]) -> None:
        left = None if self._end_at is None else self._end_at - self._timeline.now
        if left is not None and length > left:
            length, act = left, self._time_is_over
        self._next = self._timeline.after(length, act)

    def _time_is_over(self) -> None:
        self._finish(Outcome(kind="timed_out", error=StepError(code="step_timeout", message="did not answer in time")))

    def _finish(self, end: End) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._next is not None:
            self._timeline.drop(self._next)
        self._ended(end)
