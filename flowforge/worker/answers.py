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
_MOST_LINKS: Final = 3
"""How many failures of a chain of causes are told: what a step failed with is the cause of its joined activity's."""


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
                cut = _cut_short(error)
                raise cut from cut.cause
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
        length += len(str(error)) + _size_of_details(error)
        error = error.__cause__
    return length


def _size_of_details(error: BaseException) -> int:
    if not isinstance(error, ApplicationError):
        return 0
    return sum(len(payload.data) for payload in activity.payload_converter().to_payloads(error.details))


def _cut_short(error: BaseException, links: int = _MOST_LINKS) -> ApplicationError:
    """Return the beginning of a failure and of so many causes; whether it is for good stays as it was."""
    cause = None if error.__cause__ is None or links == 1 else _cut_short(error.__cause__, links - 1)
    if not isinstance(error, ApplicationError):
        error = ApplicationError(str(error), type=type(error).__name__)
    message = error.message
    if len(message) > _SHOWN:
        message = f"{message[:_SHOWN]}… and {len(message) - _SHOWN} characters more"
    is_short = _size_of_details(error) <= _SHOWN
    cut = ApplicationError(
        message,
        *(error.details if is_short else ({"attempt": activity.info().attempt},)),
        type=error.type,
        non_retryable=error.non_retryable,
        next_retry_delay=error.next_retry_delay,
        category=error.category,
    )
    cut.__cause__ = cause
    return cut
