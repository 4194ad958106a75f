"""What the checks of one definition have found so far."""

from typing import Final

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import Problem, did_you_mean
from flowforge.engine.definition.step import Step

_MOST_HINTS: Final = 100


class Findings:
    """Problems at canonical pointers, in the order in which they were found.

    Attributes:
        problems: what was found.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._meant: dict[tuple[str, frozenset[str]], str | None] = {}

    def add(self, code: str, message: str, pointer: str, hint: str | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(code=code, message=message, pointer=pointer, hint=hint))

    def meant(self, name: str, known: frozenset[str]) -> str | None:
        """Return a hint of what was meant; only for so many names, since looking for likenesses is slow."""
        if (name, known) not in self._meant and len(self._meant) < _MOST_HINTS:
            self._meant[name, known] = did_you_mean(name, known)
        return self._meant.get((name, known))


def each_step(definition: Definition) -> list[tuple[str, Step]]:
    """Return the steps with the pointer of each."""
    return [(join("/steps", index), step) for index, step in enumerate(definition.steps)]
