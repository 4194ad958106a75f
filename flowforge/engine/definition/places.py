"""Where in a text each part of what it says begins."""

from typing import Protocol

Place = tuple[int, int]
"""Line and column, from 1; of a member of an object, where its key begins."""


class Places(Protocol):
    """The places of one text."""

    def nearest(self, pointer: str) -> Place | None:
        """Return the place of what a JSON pointer points to, or of the nearest thing around it that is there."""
        ...


class NoPlaces:
    """Of what was never text."""

    def nearest(self, _pointer: str) -> None:
        """See Places.nearest: there is none."""
