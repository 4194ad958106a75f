"""No answer of an activity is larger than Temporal takes.

Temporal terminates a run whose local activity answers with more than it stores, and nobody undoes anything then. An
answer that is too large is a failed attempt instead, as any defect is: it is tried again until the deadline, and what
it did is undone.
"""

from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

MAX_ANSWER_BYTES: Final = 1 << 20
"""Half of what Temporal takes; what our activities answer is far smaller."""


class BoundedAnswers(Interceptor):
    """Fails attempts whose answer is too large."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- theirs
        """Look at what an attempt answers."""
        return _Bounded(next)


class _Bounded(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        answer = await super().execute_activity(input)
        size = sum(len(payload.data) for payload in activity.payload_converter().to_payloads([answer]))
        if size > MAX_ANSWER_BYTES:
            name = activity.info().activity_type
            raise ApplicationError(
                f"{name} answers with {size} bytes, at most {MAX_ANSWER_BYTES}",
                {"attempt": activity.info().attempt},
                type="answer_too_large",
            )
        return answer
