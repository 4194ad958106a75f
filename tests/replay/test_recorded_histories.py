"""Orders that earlier code ran are replayed by this code, as they would be if they were open while it is deployed."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from tests.workflow.shop import REPLAYER

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_recorded_order_replays(file: Path) -> None:
    """Where it does not, see "Change workflow code" in CONTRIBUTING.md; do not record it again."""
    await REPLAYER.replay_workflow(WorkflowHistory.from_json(file.stem, file.read_text()))


def test_there_are_recorded_orders() -> None:
    assert HISTORIES != []
