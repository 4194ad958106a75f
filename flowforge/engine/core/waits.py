"""The waits that a definition asks for by the actions `delay` and `wait`, from their params to what the core knows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from flowforge.engine.core.outcomes import Wait
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.definition.names import EVENT_NAME
from flowforge.engine.durations import DurationError, parse

INSTANT_HINT: Final = "write one like 2030-01-31T09:00:00+01:00"
"""What to do about something that is no instant."""

_TOLD: Final = 40

OnTimeout = Literal["fail", "continue", "branch"]


class InstantError(ValueError):
    """Something is no instant: its words say why."""


def wait_of(params: Mapping[str, Any], *, now: datetime) -> Wait:
    """Return what a `delay` or a `wait` waits for.

    Args:
        params: `duration` or `until` (an instant, ISO 8601 with its offset) for time alone; `event` with `timeout`,
            `onTimeout` and `schema`; `reason` for people.
        now: the run's time.

    Raises:
        BindingError: they say nothing, two things, or something malformed.
    """
    event = params.get("event")
    limits = [name for name in ("duration", "until", "timeout") if params.get(name) is not None]
    if (event is None and not limits) or len(limits) > 1 or not isinstance(event, str | None):
        raise BindingError("bad_wait", "a wait has an event, and one of duration, until and timeout")
    if event is not None and EVENT_NAME.fullmatch(event) is None:
        raise BindingError("bad_wait", f"{event[:40]!r} is no name of an event: nobody could send it")
    on_timeout: OnTimeout = params.get("onTimeout", "fail")
    if on_timeout not in get_args(OnTimeout):
        raise BindingError("bad_wait", "onTimeout is fail, continue or branch")
    reason = params.get("reason")
    return Wait(
        event=event,
        timeout=_length(limits[0], params[limits[0]], now) if limits else None,
        on_timeout=on_timeout,
        schema=params.get("schema"),
        reason=None if reason is None else str(reason),
    )


def instant_of(value: Any) -> datetime:
    """Return the instant that a text says.

    Raises:
        InstantError: it says none.
    """
    try:
        instant = datetime.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise InstantError(f"{str(value)[:_TOLD]!r} is no instant") from error
    if instant.tzinfo is None:
        raise InstantError("an instant has an offset")
    return instant


def _length(name: str, value: Any, now: datetime) -> timedelta:
    try:
        return max(instant_of(value) - now, timedelta()) if name == "until" else parse(value)
    except DurationError as error:
        raise BindingError("bad_wait", f"{name}: {error.message}") from error
    except InstantError as error:
        raise BindingError("bad_wait", f"{name}: {error}; {INSTANT_HINT}") from error
