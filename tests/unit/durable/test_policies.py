"""How often a step is tried, over both of its placements."""

import pytest

from flowforge.durable.policies import Policy


@pytest.mark.parametrize(("attempts", "made", "left"), [(None, 0, 0), (None, 1, 0), (8, 0, 8), (8, 1, 7), (1, 1, 1)])
def test_attempts_made_elsewhere_count(attempts: int | None, made: int, left: int) -> None:
    assert Policy(attempts=attempts).retry(made=made).maximum_attempts == left  # 0 is without limit
