"""What validation, and the search for bad ends, know of actions: whoever offers actions tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """What an action declares of itself.

    Attributes:
        name: its name in definitions.
        schema: a JSON Schema of its params; None where it takes anything.
        has_effect: whether it changes something in the world, which would have to be undone.
        fenced: whether it refuses an effect that comes after its undo.
    """

    name: str
    schema: dict[str, Any] | bool | None = None
    has_effect: bool = True
    fenced: bool = False


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
