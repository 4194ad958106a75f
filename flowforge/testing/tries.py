"""How often and after which pauses an action is tried, as a run on Temporal does it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flowforge.engine.contracts import RunOptions
from flowforge.engine.definition.step import RetryPolicy, Step

_OPTIONS: Final = RunOptions()
_FIRST_PAUSE: Final = timedelta(milliseconds=200)
_BACKOFF: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How something is tried.

    Attributes:
        timeout: how long all attempts may take; None for as long as it takes.
        attempt_timeout: how long one may.
        most: how many there are; None for no limit.
        first_pause: before the second attempt.
        backoff: by how much each pause is longer than the one before.
        longest_pause: the longest one.
        final: error codes after which nothing is tried again.
    """

    timeout: timedelta | None
    attempt_timeout: timedelta
    most: int | None
    first_pause: timedelta
    backoff: float
    longest_pause: timedelta
    final: tuple[str, ...]

    def pause(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts."""
        factor = min(self.backoff ** min(attempts - 1, 64), 1e9)
        return min(self.first_pause * factor, self.longest_pause)

    def again(self, attempts: int, code: str) -> bool:
        """Tell whether there is another attempt after so many, the last of which failed with this code."""
        return (self.most is None or attempts < self.most) and code not in self.final


def forward_tries(step: Step, *, has_deadline: bool) -> Tries:
    """Return how a step is tried."""
    policy = step.retry_policy
    timeout = step.timeout
    if timeout is None and not has_deadline and (policy is None or policy.max_attempts is None):
        timeout = timedelta(seconds=_OPTIONS.patience_s)
    return _tries(policy, timeout, None, timedelta(seconds=_OPTIONS.forward_max_interval_s))


def undo_tries(step: Step) -> Tries:
    """Return how a step's undo is tried."""
    undo = step.compensation
    longest = timedelta(seconds=_OPTIONS.undo_max_interval_s)
    return _tries(None if undo is None else undo.retry_policy, None, None if undo is None else undo.timeout, longest)


def _tries(
    policy: RetryPolicy | None, timeout: timedelta | None, attempt: timedelta | None, longest: timedelta
) -> Tries:
    one = attempt or timedelta(seconds=_OPTIONS.attempt_timeout_s)
    given = policy or RetryPolicy()
    first = given.initial_delay or _FIRST_PAUSE
    return Tries(
        timeout=timeout,
        attempt_timeout=one if timeout is None else min(one, timeout),
        most=given.max_attempts,
        first_pause=first,
        backoff=given.backoff_multiplier or _BACKOFF,
        longest_pause=max(given.max_delay or longest, first),
        final=given.non_retryable,
    )
