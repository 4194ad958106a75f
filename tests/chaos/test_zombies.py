"""A worker freezes at a point and wakes when everybody has gone on without it: it is refused, or has nothing to do."""

import asyncio

from temporalio.client import Client

from chaos.house import House
from chaos.points import PLACEMENTS, every_point
from chaos.scenarios.points import drills
from flowforge.temporal.target import TemporalTarget


async def test_worker_frozen_and_woken_too_late_changes_nothing(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    # Every second point, in one of the two placements in turn; `make chaos` does all of them in both.
    points = every_point()[::2]
    halves = zip(PLACEMENTS, (points[::2], points[1::2]), strict=True)
    verdicts = await asyncio.gather(
        *(drills(house, temporal_target, client, points, [placement], 1, how="stop") for placement, points in halves)
    )
    assert [wrong for verdict in verdicts for wrong in verdict.violations] == []
    assert sum(verdict.done["workers frozen"] for verdict in verdicts) == len(points)
