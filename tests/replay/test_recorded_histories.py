"""Orders that earlier code ran are replayed by this code, as they would be if they were open while it is deployed."""

import gzip
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import WorkflowHistory

from tests.replay.branches import Branch, branches
from tests.replay.return_branches import ReturnBranch, return_branches
from tests.workflow.shop import REPLAYER

HISTORIES: Final = sorted((Path(__file__).parent / "histories").glob("*.json.gz"))


def name_of(file: Path) -> str:
    """Return version and branch of a recorded history."""
    return file.name.removesuffix(".json.gz")


@pytest.mark.parametrize("file", HISTORIES, ids=name_of)
async def test_recorded_order_replays(file: Path) -> None:
    """Where it does not, see "Change workflow code" in CONTRIBUTING.md; do not record it again."""
    history = gzip.decompress(file.read_bytes()).decode()
    await REPLAYER.replay_workflow(WorkflowHistory.from_json(name_of(file), history))


@pytest.mark.parametrize("branch", list(branches()), ids=lambda branch: branch.name)
def test_every_branch_of_the_table_has_a_recorded_order(branch: Branch) -> None:
    """Where there is none, record this version's: see `tests/replay/record.py`."""
    assert any(name_of(file).endswith(f"-{branch.name}") for file in HISTORIES)


@pytest.mark.parametrize("branch", list(return_branches()), ids=lambda branch: branch.name)
def test_every_branch_of_a_return_has_a_recorded_one(branch: ReturnBranch) -> None:
    """As above."""
    assert any(name_of(file).endswith(f"-{branch.name}") for file in HISTORIES)
