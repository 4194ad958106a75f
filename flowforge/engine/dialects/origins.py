"""Where in the author's text each part of the canonical form came from, so that problems point at the author's text."""

from flowforge.engine.definition.pointers import parents


class Origins:
    """A map from canonical pointers to the author's; what was not moved is where it was."""

    def __init__(self) -> None:
        self._moved: dict[str, str] = {}

    def move(self, canonical: str, source: str) -> None:
        """Note that something, with all that is in it, came from elsewhere."""
        if canonical != source:
            self._moved[canonical] = source

    def source_of(self, pointer: str) -> str:
        """Return where in the author's text a part of the canonical form was written."""
        nearest = next((part for part in parents(pointer) if part in self._moved), None)
        return pointer if nearest is None else self._moved[nearest] + pointer[len(nearest) :]
