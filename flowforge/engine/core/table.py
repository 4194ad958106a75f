"""A dict that may be part of a state: compared and hashed by what it holds."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(dict[K, V]):
    """A dict with a hash. Nobody changes one that is part of a state: a turn changes its own copy.

    A copy of 500 entries takes three microseconds, less than any persistent tree made in Python.
    """

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none
        return hash(frozenset(self.items()))
