"""A worker is killed at every point there is, in both placements; another one ends the order whole."""

import pytest
from temporalio.client import Client

from chaos.house import House
from chaos.judge import Verdict
from chaos.points import MOMENTS, PLACEMENTS, Point, every_point
from chaos.scenarios.points import LEAST_HITS, drills
from flowforge.services.fault_points import OPERATIONS, Moment
from flowforge.temporal.target import TemporalTarget

TIMES = {"auto": 3, "queue": 2}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_point_is_on_the_way_of_some_order(operation: str) -> None:
    assert Point(operation=operation, moment="inside").route


@pytest.mark.parametrize("moment", MOMENTS)
async def test_worker_killed_order_ends_whole(
    client: Client, temporal_target: TemporalTarget, house: House, moment: Moment
) -> None:
    points = [point for point in every_point() if point.moment == moment]
    whole = Verdict(name=moment)
    for placement in PLACEMENTS:
        verdict = await drills(house, temporal_target, client, points, [placement], TIMES[placement])
        assert verdict.violations == []
        assert verdict.done["histories replayed"] >= len(points), "of each point an order's"
        whole.hits.update(verdict.hits)
        whole.ends.update(verdict.ends)
    whole.must_have_hit(LEAST_HITS)
    whole.must_have_completed()
    assert whole.violations == []


async def test_order_cancelled_after_its_worker_died_undoes_what_no_memory_holds(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    """All that the dead worker did was in one workflow task: the next run is cancelled before it has begun a step."""
    after_the_charge = Point(operation="payments.charge", moment="after-commit")
    verdict = await drills(house, temporal_target, client, [after_the_charge], ["auto"], 3)
    assert verdict.violations == []
    assert verdict.done["followed by a cancellation"] == 1


async def test_return_whose_worker_died_replays_beside_its_order(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    restocked = Point(operation="warehouse.restock", moment="after-commit")
    verdict = await drills(house, temporal_target, client, [restocked], ["auto"], 1)
    assert verdict.violations == []
    assert verdict.done["histories replayed"] == 2
