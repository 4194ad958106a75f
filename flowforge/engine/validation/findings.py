"""What the checks of one definition have found so far."""

from typing import Final

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import Problem, did_you_mean
from flowforge.engine.definition.step import Step

_MOST_WORK: Final = 4_000_000
"""How many letters are held against letters, at most, to find out what was meant: a fifth of a second."""

_LONGEST_NAME: Final = 128


class Findings:
    """Problems at canonical pointers, in the order in which they were found.

    Attributes:
        problems: what was found.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._meant: dict[tuple[str, frozenset[str]], str | None] = {}
        self._work_left = _MOST_WORK

    def add(self, code: str, message: str, pointer: str, hint: str | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(code=code, message=message, pointer=pointer, hint=hint))

    def meant(self, name: str, known: frozenset[str]) -> str | None:
        """Return a hint of what was meant; no more of them when looking for likenesses has taken long enough."""
        if (name, known) not in self._meant and self._work_left > 0:
            self._work_left -= len(known) * min(len(name), _LONGEST_NAME) ** 2
            self._meant[name, known] = did_you_mean(name, known)
        return self._meant.get((name, known))


def each_step(definition: Definition) -> list[tuple[str, Step]]:
    """Return the steps with the pointer of each."""
    return [(join("/steps", index), step) for index, step in enumerate(definition.steps)]
