"""A problem of a definition: which, where, and what to do about it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from flowforge.engine.definition.codes import ERRORS, WARNINGS

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong, or looks wrong, in a definition.

    Attributes:
        code: stable, `FF-1xxx`, explained in docs/errors.md.
        message: one sentence for people.
        pointer: JSON pointer into the author's own text, in the dialect in which it was written.
        hint: what the author may have meant, or may do; None where nobody can tell.
        line: line in the text, from 1; None where there is no text.
        column: column in that line, from 1.
    """

    code: str
    message: str
    pointer: str = ""
    hint: str | None = None
    line: int | None = None
    column: int | None = None

    def __post_init__(self) -> None:
        if self.code not in ERRORS and self.code not in WARNINGS:
            raise ValueError(f"{self.code} is not in the list of codes")

    @property
    def severity(self) -> Severity:
        """Whether this forbids the definition or only warns of something."""
        return "error" if self.code in ERRORS else "warning"

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line is not None else ""
        hint = f", {self.hint}" if self.hint else ""
        where = f" ({self.pointer})" if self.pointer else ""
        return f"{place}{self.code} {self.message}{hint}{where}"


class DefinitionRefused(Exception):
    """A definition that cannot be accepted, with everything that is wrong with it.

    Attributes:
        problems: errors and warnings, in the order of the text.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the known name most like the one given, or None where none is like it."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:  # the right word in the wrong case is far away letter by letter
        close = [candidate for candidate in names if candidate.lower() == name.lower()][:1]
    return f'did you mean "{close[0]}"?' if close else None
