"""What people do to a run: pause it, wake it, call it off, have a held one undone. To have it go on: `retrying`."""

from flowforge.engine.core.events import Resumed
from flowforge.engine.core.forward import wake
from flowforge.engine.core.outcomes import Failure, StepError
from flowforge.engine.core.turn import Turn
from flowforge.engine.core.unwinding import stop


def pause(turn: Turn) -> None:
    """Let no further action start."""
    if turn.phase == "forward":
        turn.paused = True


def resume(turn: Turn, event: Resumed) -> None:
    """Go on after a pause; where there was none, wake the first unit of work that waits."""
    if turn.paused:
        turn.paused = False
        return
    waiting = turn.in_order("suspended", "waiting") if turn.phase == "forward" else []
    if waiting:
        wake(turn, waiting[0][0], event.data)


def cancel(turn: Turn, reason: str) -> None:
    """Call the run off; one that turns back already, or is over, does not notice."""
    if turn.phase in {"new", "forward", "held"}:
        turn.failure = Failure(kind="cancelled", error=StepError(code="cancelled", message=reason))
        stop(turn)


def overrule(turn: Turn, reason: str) -> None:
    """Turn a completed run back that had been called off before."""
    if turn.phase == "completed":
        turn.failure = Failure(kind="cancelled", error=StepError(code="cancelled", message=reason))
        stop(turn)


def expire(turn: Turn) -> None:
    """Turn the run back because its time is over."""
    if turn.phase == "forward":
        error = StepError(code="deadline", message="the run did not finish before its deadline")
        turn.failure = Failure(kind="deadline", error=error)
        stop(turn)


def compensate(turn: Turn) -> None:
    """Have a held run undone."""
    if turn.phase == "held":
        stop(turn)
