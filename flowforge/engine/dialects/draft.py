"""A definition while it is being brought into the canonical form."""

from typing import Any

from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import Problem
from flowforge.engine.dialects.origins import Origins


class Draft:
    """A canonical body in the making.

    Attributes:
        origins: where its parts came from.
        problems: what could not be understood; they point at the author's text.
    """

    def __init__(self) -> None:
        self.origins = Origins()
        self.problems: list[Problem] = []

    def report(self, code: str, message: str, pointer: str, hint: str | None = None) -> None:
        """Note a problem at a canonical pointer."""
        self.problems.append(Problem(code=code, message=message, pointer=self.origins.source_of(pointer), hint=hint))

    def rename(self, part: dict[str, Any], pointer: str, old: str, new: str) -> None:
        """Give a key its canonical name; a problem where both names are there and say different things."""
        if old not in part:
            return
        value = part.pop(old)
        if new in part and part[new] != value:
            self.report("FF-1022", f'"{old}" and "{new}" mean the same thing', join(pointer, old), f'keep "{new}"')
            return
        part[new] = value
        self.origins.move(join(pointer, new), join(self.origins.source_of(pointer), old))
