"""What an expression or a template reads, for whoever wants to know before anything runs."""

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from flowforge.engine.expressions.errors import Position

Path: TypeAlias = tuple[str | int, ...]
"""Names and indexes, from the data inward."""

_PLAIN: Final = re.compile(r"[\w$-]+")


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that reads the data.

    Attributes:
        path: what is read, as far as the text alone tells; `context.` before it is left out. It is empty where the
            data are read as a whole, or under a name that is only known when it runs (`context[name]`).
        at: its offset.
        text: the text in which it stands.
    """

    path: Path
    at: int
    text: str = field(repr=False)

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position.within(self.text, self.at)

    @property
    def root(self) -> str | None:
        """The key of the data that is read, None where that is not known."""
        return str(self.path[0]) if self.path else None


def written(path: Path) -> str:
    """Return a path as it is written in a template: `charge-payment.items.0.sku`, `rates['EUR/USD']`."""
    parts: list[str] = []
    for segment in map(str, path):
        if _PLAIN.fullmatch(segment):
            parts.append(f".{segment}" if parts else segment)
        else:
            parts.append(f"['{segment}']")
    return "".join(parts)
