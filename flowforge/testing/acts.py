"""What a test does to a run."""

from flowforge.engine.core.events import (
    CancelRequested,
    Compensate,
    Event,
    PauseRequested,
    Resumed,
    Retry,
    UndoRetried,
    UndoWrittenOff,
)
from flowforge.testing.documents import Act
from flowforge.testing.harness import TestHarness


def do(harness: TestHarness, act: Act) -> None:
    """Do it, and let nothing else happen yet, unless it is time that passes."""
    if act.signal is not None:
        harness.current.signal(act.signal, act.data)
    elif act.let_pass is not None:
        harness.let_pass(act.let_pass)
    elif (event := _event(act)) is not None:
        harness.current.tell(event)


def _event(act: Act) -> Event | None:
    """Return what the run is told; None by an act that only looks."""
    event: Event | None = Resumed(act.resume) if "resume" in act.model_fields_set else None
    if act.cancel is not None:
        event = CancelRequested(reason=act.cancel)
    elif act.pause:
        event = PauseRequested()
    elif act.compensate:
        event = Compensate()
    elif act.retry is not None:
        event = Retry(step=None if act.retry is True else act.retry, values=act.data or {})
    elif act.retry_undo is not None:
        event = UndoRetried(act.retry_undo)
    elif act.write_off is not None:
        event = UndoWrittenOff(step=act.write_off, by="a test", reason="given up")
    return event
