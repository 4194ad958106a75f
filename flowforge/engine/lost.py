"""Open runs without a workflow: the reconciler has not come to them yet, or there is none."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client

from flowforge.engine.reconciling import open_run
from flowforge.engine.store.standstill import StillRun, is_still, still_runs
from flowforge.persistence.database import Database
from flowforge.reconciling.sweeps import Sweep

MOST: Final = 1000
"""How many open runs are looked at, the oldest first."""

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRuns:
    """The answer.

    Attributes:
        runs: open runs without a workflow.
        checked: how many open runs were looked at.
        is_capped: whether there are open runs that were not.
    """

    runs: Sequence[StillRun]
    checked: int
    is_capped: bool


async def find_lost(client: Client, database: Database) -> LostRuns:
    """Ask Temporal for the workflow of every open run.

    Raises:
        TemporalUnavailable: Temporal is away.
        DatabaseUnavailable: the rows cannot be read.
    """
    rows = await database.read(still_runs, Sweep.whole(datetime.now(UTC)), after=0, limit=MOST + 1)
    places = asyncio.Semaphore(_AT_ONCE)

    async def is_lost(run: StillRun) -> bool:
        async with places:
            # It may have ended between the two looks.
            return await open_run(client, run) is None and await database.read(is_still, run)

    looked_at = rows[:MOST]
    verdicts = await asyncio.gather(*(is_lost(run) for run in looked_at))
    lost = [run for run, verdict in zip(looked_at, verdicts, strict=True) if verdict]
    return LostRuns(runs=lost, checked=len(looked_at), is_capped=len(rows) > MOST)
