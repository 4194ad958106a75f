r"""`${path}` in one string: where placeholders stand and what they name.

A placeholder is a path, not an expression: a name, then `.name`, `.0`, `[0]` or `['any key']`. Names may hold hyphens.
As in JavaScript's template strings, a backslash takes the meaning away: `\${` is the text `${`, and of two backslashes
before `${` one is text. Backslashes anywhere else are ordinary.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from flowforge.engine.expressions.errors import Position
from flowforge.engine.expressions.references import Path
from flowforge.engine.expressions.words import CONTEXT

OPENING: Final = "${"

_NAME: Final = r"[\w$-]+"
_QUOTED: Final = r"'[^'\\]*+'|\"[^\"\\]*+\""
_PATH: Final = re.compile(rf"\s*+(?P<path>{_NAME}(?:\.{_NAME}|\[(?:[0-9]+|{_QUOTED})\])*+)\s*+\}}")
_SEGMENT: Final = re.compile(rf"\.?(?P<name>{_NAME})|\[(?P<index>[0-9]+)\]|\[(?P<quoted>{_QUOTED})\]")
_LONGEST_INDEX: Final = 9  # digits
_LONGEST_SHOWN: Final = 64
_LONGEST_KNOWN: Final = 128  # characters; longer ones would fill the memory


class PlaceholderReason(StrEnum):
    """Why a placeholder is refused. The values are stable: programs may compare them."""

    UNTERMINATED = "unterminated"
    BAD_PATH = "bad_path"


class PlaceholderError(ValueError):
    """A string holds a `${` that begins no placeholder.

    Attributes:
        reason: stable, for programs.
        message: one sentence for people.
        position: where in the string.
    """

    def __init__(self, reason: PlaceholderReason, message: str, position: Position) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A `${path}`.

    Attributes:
        path: what it names; `context.` before it is left out.
        written: the path as its author wrote it.
        at: the offset of the `${` in its string.
    """

    path: Path
    written: str
    at: int


def split(text: str) -> tuple[str | Placeholder, ...]:
    """Return a string's parts: literal texts, none empty, and the placeholders between them.

    Raises:
        PlaceholderError: a `${` begins no placeholder.
    """
    parts: list[str | Placeholder] = []
    literals: list[str] = []
    done = 0
    while (at := text.find(OPENING, done)) >= 0:
        before = text[done:at]
        kept = before.rstrip("\\")
        backslashes = len(before) - len(kept)
        literals += [kept, "\\" * (backslashes // 2)]
        if backslashes % 2:
            literals.append(OPENING)
            done = at + len(OPENING)
            continue
        found = _PATH.match(text, at + len(OPENING))
        if found is None:
            raise _refusal(text, at)
        written = found["path"]
        path = _known_path(written) if len(written) <= _LONGEST_KNOWN else _path(written)
        parts += ["".join(literals), Placeholder(path, written, at)]
        literals, done = [], found.end()
    literals.append(text[done:])
    return tuple(part for part in (*parts, "".join(literals)) if part)


def _path(written: str) -> Path:
    path = tuple(_segment(segment) for segment in _SEGMENT.finditer(written))
    return path[1:] if path[0] == CONTEXT else path


_known_path: Final = lru_cache(maxsize=1024)(_path)  # a definition reads the same few over and over


def _segment(found: re.Match[str]) -> str | int:
    if (index := found["index"]) is not None:
        return int(index) if len(index) <= _LONGEST_INDEX else index
    return found["name"] or found["quoted"][1:-1]


def _refusal(text: str, at: int) -> PlaceholderError:
    position = Position.within(text, at)
    start = at + len(OPENING)
    end = text.find("}", start)
    if end < 0:
        return PlaceholderError(
            PlaceholderReason.UNTERMINATED, r"`${` has no `}`; write `\${` where it is meant as text", position
        )
    inside = text[start:end]
    shown = f"`{inside}`" if len(inside) <= _LONGEST_SHOWN and inside.isprintable() else "this"
    message = f"{shown} is no path like order.items.0 or charge-payment['id']; an expression belongs into a condition"
    return PlaceholderError(PlaceholderReason.BAD_PATH, message, position)
