"""`executions list`: many runs, a line each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from flowforge.cli.executions.look import reason, status_text, took
from flowforge.cli.orders.look import age, console, moment, plain, print_json
from flowforge.client import FlowForge
from flowforge.remote.answers import ExecutionSummary

_WIDE: Final = 120


async def print_list(flowforge: FlowForge, *, limit: int, as_json: bool, **filters: Any) -> None:
    """Print runs, the newest first."""
    runs = await flowforge.list_executions(limit=limit + 1, **filters)
    has_more = len(runs) > limit
    runs = runs[:limit]
    if as_json:
        print_json([run.as_json() for run in runs])
        return
    screen = console()
    if not runs:
        screen.print("no executions")
        return
    screen.print(table_of(runs, width=screen.width))
    if has_more:
        screen.print(f"the newest {len(runs)}; --limit shows more", style="dim")


def table_of(runs: Sequence[ExecutionSummary], *, width: int) -> Table:
    """Return runs as a table that fits the width, and keeps names whole."""
    is_wide = width >= _WIDE
    # A reason takes what is left of the width: a long one must not break the names in two.
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=is_wide)
    table.add_column("EXECUTION", overflow="fold", min_width=37)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("WORKFLOW", overflow="fold")
    if is_wide:
        table.add_column("STARTED", no_wrap=True)
        table.add_column("TOOK", no_wrap=True, justify="right")
    table.add_column("AGE", no_wrap=True, justify="right")
    if is_wide:
        table.add_column("FAILURE", no_wrap=True, overflow="ellipsis", ratio=1)
    for run in runs:
        started = started_at(run)
        row = [Text(run.execution_id), status_text(run.status), Text(plain(f"{run.workflow_id}, {run.revision}"))]
        if is_wide:
            row += [Text(moment(started)), Text(took(run.duration))]
        row.append(Text(age(started)))
        if is_wide:
            row.append(Text(reason(run)))
        table.add_row(*row)
    return table


def started_at(run: ExecutionSummary) -> str:
    """Return when a run was started, as the API writes times elsewhere."""
    return datetime.fromtimestamp(run.start_time / 1000, UTC).isoformat(timespec="milliseconds")
