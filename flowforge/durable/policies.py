"""How often, how fast and how long a step is tried."""

from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.common import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How something of a saga is tried: a whole direction without limit of count, until its caller gives up.

    Attributes:
        initial_interval: pause before the second attempt; it doubles from there.
        maximum_interval: longest pause between two attempts.
        attempt_timeout: how long one attempt through the task queue may take before another is started.
        local_timeout: the same for an attempt inside the workflow task; longer than the database waits for a lock, so
            that an attempt is not given up while it may still commit.
        heartbeat_timeout: how long an attempt through the queue may be silent; an activity that does not heartbeat
            never learns that it was cancelled, and is waited for until it ends or times out.
        attempts: how many attempts there may be, at least 2; None for no limit: a fault never becomes a refusal by
            being counted. Only for what a saga can do without.
    """

    initial_interval: timedelta = timedelta(milliseconds=200)
    maximum_interval: timedelta = timedelta(seconds=10)
    attempt_timeout: timedelta = timedelta(seconds=15)
    local_timeout: timedelta = timedelta(seconds=8)
    heartbeat_timeout: timedelta | None = None
    attempts: int | None = None

    def retry(self, *, made: int = 0) -> RetryPolicy:
        """Return the policy for Temporal, for what is left when some attempts were `made` elsewhere."""
        return RetryPolicy(
            initial_interval=min(self.initial_interval, self.maximum_interval),
            backoff_coefficient=2.0,
            maximum_interval=self.maximum_interval,
            maximum_attempts=0 if self.attempts is None else max(self.attempts - made, 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The two directions of a saga: forward until the deadline, back without limit of time."""

    forward: Policy = field(default_factory=Policy)
    undo: Policy = field(default_factory=lambda: Policy(maximum_interval=timedelta(seconds=30)))
