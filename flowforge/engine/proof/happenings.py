"""What may happen in a run, in the words in which stories tell it and in which tests have it happen again."""

from typing import Final, NamedTuple

from flowforge.engine.core.keys import Key

RUN: Final = "run"
UNDO: Final = "undo "

SUCCEEDS: Final = "succeeds"
REFUSED: Final = "is refused"
FAILS: Final = "fails"
FAILS_BEFORE: Final = "fails before its effect"
FAILS_AFTER: Final = "fails after its effect"
TIMES_OUT: Final = "times out, its effect may come late"
COMES_LATE: Final = "takes effect late"
LOST_AFTER: Final = "loses its worker after its effect"
LOST_LATE: Final = "loses its worker, its effect may come late"
CANCELLED: Final = "is cancelled"
CANCELLED_AFTER: Final = "is cancelled after its effect"
CHANGES_NOTHING: Final = "changes nothing"
NEEDS_RESULT: Final = "needs a result that never came"
WAITS: Final = "waits"
TRUE: Final = "is true"
FALSE: Final = "is false"
HOLDS: Final = "condition is true"
HOLDS_NOT: Final = "condition is false"
ITEMS: Final = "items: "
WAY: Final = "goes to "
NO_WAY: Final = "goes nowhere"
TIME: Final = "time comes"
EVENT: Final = "event comes"
IS_CANCELLED: Final = "is cancelled"
PAUSES: Final = "is paused"
RESUMES: Final = "is resumed"
DEADLINE: Final = "deadline passes"
COMPENSATES: Final = "is given up by an operator"


class Happening(NamedTuple):
    """One thing that happens.

    Attributes:
        who: a unit of work, `undo ` and one, or `run`.
        what: one of the phrases of this module.
    """

    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.who} {self.what}"


def of_step(key: Key, what: str) -> Happening:
    """Return what happens to a step."""
    return Happening(str(key), what)


def of_undo(key: Key, what: str) -> Happening:
    """Return what happens to an undo."""
    return Happening(f"{UNDO}{key}", what)


def of_run(what: str) -> Happening:
    """Return what happens to the run as a whole."""
    return Happening(RUN, what)
