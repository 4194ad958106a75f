"""Tables of runs, at the width of a terminal."""

import io

from rich.console import Console

from flowforge.cli.executions.listing import table_of
from flowforge.remote.answers import ExecutionSummary

RUN = ExecutionSummary.model_validate(
    {
        "executionId": f"exec-{0:032x}",
        "workflowId": "OrderWorkflow",
        "revision": 1,
        "status": "compensated",
        "startTime": 1_795_294_378_779,
        "endTime": 1_795_294_379_346,
        "duration": 567,
        "metadata": {},
        "tenantId": None,
        "parentExecutionId": None,
        "replayOf": None,
        "error": {"code": "test_failure", "message": "no " * 50, "step": "CreateShipment"},
    }
)


def test_long_reason_is_cut_and_breaks_no_name() -> None:
    for width in (130, 160):
        screen = io.StringIO()
        Console(file=screen, width=width, color_system=None).print(table_of([RUN], width=width))
        (row,) = screen.getvalue().splitlines()[1:]
        assert "OrderWorkflow, 1 " in row
        assert " 567 ms " in row
        assert "CreateShipment: test_" in row
        assert row.rstrip().endswith("…")
