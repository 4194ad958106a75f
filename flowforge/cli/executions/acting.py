"""`executions bulk`: one thing done to many runs, a line each."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flowforge.cli.orders.look import console, plain, print_json
from flowforge.client import FlowForge
from flowforge.remote.many import BulkAction, BulkItem


async def act_on_runs(flowforge: FlowForge, action: BulkAction, *, as_json: bool, **wishes: Any) -> int:
    """Do something to runs, and print what came of each.

    Returns:
        The exit code: 0 if every run took it, 1 if one did not.
    """
    items = await flowforge.bulk(action, **wishes)
    code = 0 if all(item.accepted for item in items) else 1
    if as_json:
        print_json([item.as_json() for item in items])
        return code
    screen = console()
    if not items:
        screen.print("no executions")
        return code
    screen.print(_table(items))
    taken = sum(item.accepted for item in items)
    screen.print(f"{action}: {taken} of {len(items)} took it", style="dim")
    return code


def _table(items: Sequence[BulkItem]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("EXECUTION", overflow="fold", min_width=37)
    table.add_column("ANSWER", overflow="fold")
    for item in items:
        table.add_row(Text(item.execution_id), _answer(item))
    return table


def _answer(item: BulkItem) -> Text:
    if not item.accepted:
        return Text(plain(f"{item.code}: {item.detail}"), style="red")
    return Text("taken" if item.started is None else plain(f"started {item.started}"), style="green")
