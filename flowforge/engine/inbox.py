"""What a run was told and has not taken in yet: events, and the questions that come of them."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from temporalio import workflow

from flowforge.engine.core.commands import Command, Decide
from flowforge.engine.core.events import Event
from flowforge.engine.core.state import State
from flowforge.engine.keeping import Keeping

_MOST_EVENTS: Final = 500
"""How many events one turn takes in: a workflow task must not compute for long."""

_MOST_HEARD: Final = 1_000
"""How many keys are remembered under which somebody told of something."""

_MOST_DECISIONS: Final = 4
"""How many questions one turn answers, each of which may take 30 ms, and ten times that on a busy machine: Temporal
takes a workflow for hung that computes for two seconds, and would never let it go on."""


class Inbox:
    """The events of one run, in the order in which they are taken in; a question is answered before the next event.

    Args:
        keeping: answers questions.
    """

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._events: deque[Event] = deque()
        self._questions: deque[tuple[Decide, State]] = deque()
        self._heard: dict[str, None] = {}
        self._told = self._taken = 0

    @property
    def heard(self) -> tuple[str, ...]:
        """The keys under which it was told of something, the oldest first."""
        return tuple(self._heard)

    def go_on(self, heard: Iterable[str]) -> None:
        """Go on where another run was."""
        self._heard = dict.fromkeys(heard)

    def is_new(self, key: str | None) -> bool:
        """Remember a key under which somebody tells of something; tell whether it is the first time."""
        if key is None:
            return True
        if key in self._heard:
            return False
        self._heard[key] = None
        if len(self._heard) > _MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        return True

    def __bool__(self) -> bool:
        return bool(self._events or self._questions)

    def tell(self, event: Event) -> None:
        """Put an event behind the others."""
        self._events.append(event)
        self._told += 1

    async def until_taken(self) -> None:
        """Wait until all that was told so far is taken in."""
        number = self._told
        await workflow.wait_condition(lambda: self._taken >= number)

    def turn(self) -> Iterator[Event | Decide]:
        """Yield what one turn takes in: events, and questions that are to be answered elsewhere."""
        decided = 0
        for _ in range(_MOST_EVENTS):
            if decided == _MOST_DECISIONS:
                return
            if self._questions:
                question, state = self._questions.popleft()
                decided += 1
                yield self._keeping.decide_here(question, state) or question
            elif self._events:
                event = self._events.popleft()
                self._taken += 1
                yield event
            else:
                return

    def ask(self, commands: Iterable[Command], state: State) -> Iterator[Command]:
        """Put the questions among commands before all events; yield the others."""
        for command in commands:
            if isinstance(command, Decide):
                self._questions.append((command, state))
            else:
                yield command
