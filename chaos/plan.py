"""How much is done to how many orders, and by which chance."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FULL_MINUTES: Final = 50
"""What the whole takes on two cores, more or less; it is not cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The extent of one run.

    Attributes:
        seed: of all chance: the same again does the same to the same orders, as far as processes allow.
        share: how much of the whole is done, from above 0 to 1.
        times: how often a worker is killed at each point in each of the two placements.
        kills: how many workers are killed at random.
        storm_orders: at least so many orders go through that.
        temporal_kills: how often Temporal is killed meanwhile.
        marathon_orders: how many orders go through the steady killing that follows.
        command: as it was given, for the report.
        out: the report to write.
    """

    seed: int
    share: float
    times: int
    kills: int
    storm_orders: int
    temporal_kills: int
    marathon_orders: int
    command: str
    out: Path = Path("docs/reliability.md")

    @classmethod
    def of(cls, *, seed: int, minutes: float, kills: int | None, command: str, out: Path) -> "Plan":
        """Make a plan that takes about so many minutes; `kills` says otherwise for the workers killed at random."""
        share = min(1.0, minutes / FULL_MINUTES)
        return cls(
            seed=seed,
            share=share,
            times=max(3, round(10 * share)),
            kills=max(10, round(1000 * share)) if kills is None else kills,
            storm_orders=max(100, round(3000 * share)),
            temporal_kills=max(2, round(50 * share)),
            marathon_orders=max(200, round(10_000 * share)),
            command=command,
            out=out,
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing of what was run was made smaller."""
        whole = self.times >= 10 and self.kills >= 1000 and self.storm_orders >= 3000 and self.temporal_kills >= 50
        return whole and self.marathon_orders >= 10_000

    def chance(self, *of: object) -> random.Random:
        """Return chance of its own for one purpose, so that no purpose depends on the others' number of draws."""
        return random.Random(" ".join(map(str, (self.seed, *of))))  # noqa: S311 -- it is to be played again
