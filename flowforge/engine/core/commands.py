"""What the interpreter asks of its shell."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from flowforge.engine.core.events import Question
from flowforge.engine.core.keys import Key

End = Literal["completed", "failed", "compensated", "cancelled"]


@dataclass(frozen=True, slots=True)
class Decide:
    """Answer a question over the run's context with `Decided`; `key` is None for the run's output."""

    key: Key | None
    question: Question


@dataclass(frozen=True, slots=True)
class Run:
    """Run a step's action; answer with `Settled` or `Suspended`."""

    key: Key


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop an action that runs, and answer with `Settled` only once it has ended, however it did."""

    key: Key


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Answer with `TimerFired` after this time."""

    key: Key
    length: timedelta


@dataclass(frozen=True, slots=True)
class StopTimer:
    """That timer is not needed any more."""

    key: Key


@dataclass(frozen=True, slots=True)
class Undo:
    """Run a step's compensation, for as long as it takes; answer with `UndoSettled`."""

    key: Key


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over."""

    end: End


Command: TypeAlias = Decide | Run | Cancel | StartTimer | StopTimer | Undo | Finish
"""Anything the interpreter may ask for."""
