"""What validation, and the search for bad ends, know of actions: whoever offers actions tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Waits = Literal["never", "in time", "for ever"]
"""Whether an action may answer that it waits for an event, and whether its own time then ends the wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """What an action declares of itself.

    Attributes:
        name: its name in definitions.
        schema: a JSON Schema of its params; None where it takes anything.
        has_effect: whether it changes something in the world, which would have to be undone.
        fenced: whether it refuses an effect that comes after its undo.
        waits: whether it may answer that it waits for an event.
        once: whether there may be one step of it in a run: a second one gets the outcome of the first.
        only_undoes: whether it is refused unless it is called as a compensation.
    """

    name: str
    schema: dict[str, Any] | bool | None = None
    has_effect: bool = True
    fenced: bool = False
    waits: Waits = "never"
    once: bool = False
    only_undoes: bool = False


class ActionCatalogue(Protocol):
    """The actions that somebody offers."""

    def find(self, name: str) -> ActionFacts | None:
        """Return what is known of an action, None where nobody offers it."""
        ...

    def names(self) -> Iterable[str]:
        """Return the names of all actions."""
        ...


class NoCatalogue:
    """The catalogue of whoever does not know which actions there are: nothing is said of any."""

    def find(self, name: str) -> ActionFacts | None:
        """Return an action that takes anything."""
        return ActionFacts(name=name)

    def names(self) -> Iterable[str]:
        """Return no name."""
        return ()
