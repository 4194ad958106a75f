"""Every scenario, in the order in which they run."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from chaos.house import House
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.scenarios import (
    api,
    database,
    engine,
    engine_gone,
    engine_storm,
    mid_start,
    points,
    races,
    recovery,
    storm,
    temporal,
    undo,
)

Scenario = Callable[[House, Plan], Awaitable[Verdict]]

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "recovery": recovery.run,
    "points": points.kills,
    "zombies": points.zombies,
    "storm": storm.storm,
    "marathon": storm.marathon,
    "database": database.run,
    "api": api.run,
    "mid-start": mid_start.run,
    "terminate": temporal.terminate,
    "lost-state": temporal.lose_state,
    "lost-again": temporal.lose_state_again,
    "undo": undo.run,
    "races": races.run,
    "engine": engine.run,
    "engine-storm": engine_storm.run,
    "engine-terminate": engine_gone.terminate,
    "engine-lost-state": engine_gone.lose_state,
}
"""By the name that `--only` takes."""

TOGETHER: Final = frozenset(
    {"api", "mid-start", "terminate", "lost-state", "lost-again", "undo", "races", "engine-lost-state"}
)
"""Those that wait more than they work: they run side by side."""
