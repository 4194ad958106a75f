"""How often, for how long and after which pauses an action or an undo is tried; the same in every shell."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flowforge.engine.contracts import RunOptions
from flowforge.engine.definition.step import RetryPolicy, Step

_FIRST_PAUSE: Final = timedelta(milliseconds=200)
_SHORTEST_PAUSE: Final = timedelta(milliseconds=1)
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


def forward_tries(step: Step, options: RunOptions, *, has_deadline: bool) -> Tries:
    """Return how a step is tried: faults until its time, or the run's, is over.

    One attempt may take all of a step's time, where it has one: whoever says that a step may take an hour means it.
    """
    policy, timeout = step.retry_policy, step.timeout
    if timeout is None and not has_deadline and (policy is None or policy.max_attempts is None):
        timeout = timedelta(seconds=options.patience_s)
    attempt = step.timeout or timedelta(seconds=options.attempt_timeout_s)
    longest = timedelta(seconds=options.forward_max_interval_s)
    return _tries(policy, longest, timeout=timeout, attempt=attempt if timeout is None else min(timeout, attempt))


def undo_tries(step: Step, options: RunOptions) -> Tries:
    """Return how a step's undo is tried: without limit, where it does not say otherwise."""
    undo = step.compensation
    given = None if undo is None else undo.timeout
    attempt = given or timedelta(seconds=options.attempt_timeout_s)
    longest = timedelta(seconds=options.undo_max_interval_s)
    return _tries(None if undo is None else undo.retry_policy, longest, timeout=None, attempt=attempt)


def _tries(policy: RetryPolicy | None, longest: timedelta, *, timeout: timedelta | None, attempt: timedelta) -> Tries:
    given = policy or RetryPolicy()
    first = max(given.initial_delay or min(_FIRST_PAUSE, longest), _SHORTEST_PAUSE)
    return Tries(
        timeout=timeout,
        attempt_timeout=attempt,
        most=given.max_attempts,
        first_pause=first,
        backoff=given.backoff_multiplier or _BACKOFF,
        longest_pause=max(given.max_delay or longest, first),
        final=given.non_retryable,
    )
