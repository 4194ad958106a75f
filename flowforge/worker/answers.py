"""No answer of an activity is larger than Temporal takes, and no failure of one.

Temporal terminates a run whose local activity answers with more than it stores, and nobody undoes anything then. An
answer that is too large is a failed attempt instead, as any defect is: it is tried again until the deadline, and what
it did is undone. A failure that is too large, Temporal takes for one that is for good: it is made smaller.
"""

from typing import Any, Final

from pydantic_core import to_json
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

MAX_ANSWER_BYTES: Final = 1 << 20
"""Half of what Temporal takes; what our activities answer is far smaller."""

MAX_FAILURE_LENGTH: Final = 256 << 10
"""The most characters of a failure's messages and details, its causes' among them; each is four bytes at most."""

_SHOWN: Final = 1000


class BoundedAnswers(Interceptor):
    """Fails attempts whose answer is too large, and cuts failures short that are."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 -- theirs
        """Look at what an attempt answers."""
        return _Bounded(next)


class _Bounded(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        try:
            answer = await super().execute_activity(input)
        except Exception as error:
            if _length(error) > MAX_FAILURE_LENGTH:
                raise _cut_short(error) from None
            raise
        size = len(to_json(answer))  # as `temporal/converter.py` writes it, at a third of the converter's price
        if size > MAX_ANSWER_BYTES:
            name = activity.info().activity_type
            raise ApplicationError(
                f"{name} answers with {size} bytes, at most {MAX_ANSWER_BYTES}",
                {"attempt": activity.info().attempt},
                type="answer_too_large",
            )
        return answer


def _length(error: BaseException | None) -> int:
    length = 0
    while error is not None:
        length += len(str(error))
        if isinstance(error, ApplicationError):
            length += sum(len(payload.data) for payload in activity.payload_converter().to_payloads(error.details))
        error = error.__cause__
    return length


def _cut_short(error: Exception) -> ApplicationError:
    """Return the beginning of a failure; whether it is for good stays as it was."""
    if not isinstance(error, ApplicationError):
        error = ApplicationError(str(error), type=type(error).__name__)
    message = error.message
    if len(message) > _SHOWN:
        message = f"{message[:_SHOWN]}… and {len(message) - _SHOWN} characters more"
    return ApplicationError(
        message,
        {"attempt": activity.info().attempt},
        type=error.type,
        non_retryable=error.non_retryable,
        next_retry_delay=error.next_retry_delay,
        category=error.category,
    )
