"""How much is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ALONE: Final = 1
MANY: Final = 50
"""How many are in flight: one after the other, and as many as fill the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The extent of one run.

    Attributes:
        orders: how many in a round with many in flight; with one in flight a quarter of it.
        rounds: how often everything is measured, in turn.
        memory_orders: how many orders FlowForge's memory is watched over; 0 leaves it out.
        starts: how often the time until ready is taken; 0 leaves it out.
        out: the file to write.
        engine_out: the file to write about the engine.
        parts: what is measured: `orders`, `engine`, or both.
        steps: how many steps the longest chain has, and are run in a round.
        items: over how many items the long `forEach` goes.
        values: how many steps answer with as much as a step may.
        command: as the user gave it, for the report.
    """

    orders: int = 400
    rounds: int = 5
    memory_orders: int = 5000
    starts: int = 5
    out: Path = Path("docs/performance.md")
    engine_out: Path = Path("docs/performance-engine.md")
    parts: tuple[str, ...] = ("orders", "engine")
    steps: int = 500
    items: int = 10_000
    values: int = 500
    command: str = "make bench"

    @property
    def visits(self) -> int:
        """How often the long loop comes to its step."""
        return self.items // 10

    def count(self, in_flight: int, share: float) -> int:
        """Return how many one contestant runs in one round."""
        whole = self.orders if in_flight == MANY else self.orders / 4
        return max(2, round(whole * share))
