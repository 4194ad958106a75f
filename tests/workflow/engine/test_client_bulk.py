"""One thing done to many runs by the Python client: page by page, an answer for each."""

import pytest

from flowforge.client import FlowForge
from flowforge.remote import many
from flowforge.remote.problems import ApiInvalid
from tests.workflow.engine.stage import Stage
from tests.workflow.engine.test_bulk import NOBODY, WAITING


async def begin(flowforge: FlowForge, count: int) -> list[str]:
    await flowforge.register(WAITING)
    return [(await flowforge.start("waiting", metadata={"team": "x"})).execution_id for _ in range(count)]


async def test_runs_that_are_named_are_called_off_and_an_unknown_one_is_refused_for_itself(
    flowforge: FlowForge, warm: Stage
) -> None:
    runs = await begin(flowforge, 2)
    items = await flowforge.bulk("cancel", ids=[*runs, NOBODY, runs[0]], reason="all of them")
    assert [(item.execution_id, item.accepted, item.code) for item in items] == [
        (runs[0], True, None),
        (runs[1], True, None),
        (NOBODY, False, "not_found"),
    ]
    for run in runs:
        failure = (await warm.end(run)).failure
        assert failure is not None
        assert (failure["kind"], failure["message"]) == ("cancelled", "all of them")


async def test_runs_that_a_filter_finds_are_walked_page_by_page_as_far_as_the_limit(
    flowforge: FlowForge, warm: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MAX_AT_ONCE", 2)
    runs: list[str] = []
    for _ in range(5):  # each after the row of the one before: lists are in the order of rows
        runs += await begin(flowforge, 1)
        await warm.rows.until(lambda save, run=runs[-1]: save.execution_id == run)  # type: ignore[misc]  # bound by default
    four = await flowforge.bulk("pause", workflow_id="waiting", metadata=("team", "x"), limit=4)
    assert [item.execution_id for item in four] == runs[:0:-1]
    assert await flowforge.bulk("pause", workflow_id="other") == []
    ends = await flowforge.bulk("cancel", ids=runs)
    assert [item.accepted for item in ends] == [True] * len(runs)
    for run in runs:
        await warm.end(run)
    started = await flowforge.bulk("replay", workflow_id="waiting", status="cancelled")
    assert len({item.started for item in started}) == len(runs)


async def test_all_runs_there_are_is_never_meant(flowforge: FlowForge) -> None:
    with pytest.raises(ApiInvalid, match="which runs"):
        await flowforge.bulk("cancel")
