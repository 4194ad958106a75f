"""`orders stats`: all orders at a glance."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.orders.look import console, duration, name_of, plain, print_json, status_text
from flowforge.remote.asking import Api


async def print_stats(api: Api, *, as_json: bool) -> None:
    """Print the statistics."""
    stats = await api.get("orders", "stats")
    if as_json:
        print_json(stats)
        return
    screen = console()
    screen.print(counts_line(stats["counts"]))
    _print_rates(screen, stats["rates"])
    oldest = stats["oldest_open"]
    if oldest is not None:
        told = Text.assemble("\nopen longest  ", name_of(oldest), "  ", status_text(oldest["status"]))
        screen.print(told.append(f", for {duration(oldest['age_s'])}"), soft_wrap=True)
    _print_backlog(screen, stats["backlog"])


def counts_line(counts: Mapping[str, int]) -> Text:
    """Return how many orders have each status, in one line; a status that none has is left out."""
    line = Text()
    for status, count in counts.items():
        if count:
            line.append("" if not line else "   ").append(f"{count} ").append_text(status_text(status))
    return line or Text("no orders")


def _print_rates(screen: Console, rates: list[Mapping[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("\nIN THE LAST", no_wrap=True)
    for what in rates[0]["counts"]:
        table.add_column(f"\n{plain(what).upper()}", justify="right", no_wrap=True)
    for rate in rates:
        cells = (f"{rate['counts'][what]} ({rate['per_minute'][what]:g}/min)" for what in rate["counts"])
        table.add_row(f"{rate['window_s'] / 60:g} min", *cells)
    screen.print(table)


def _print_backlog(screen: Console, backlog: Mapping[str, Any]) -> None:
    queue = plain(backlog["task_queue"])
    if backlog["unknown_because"] is not None:
        screen.print(f"\nwaiting in {queue}: not known; {plain(backlog['unknown_because'])}", markup=False)
        return
    waiting = (
        f"{backlog[kind]['count']} {kind} tasks, the oldest for {duration(backlog[kind]['age_s'])}"
        if backlog[kind]["count"]
        else f"no {kind} task"
        for kind in ("workflow", "activity")
    )
    screen.print(f"\nwaiting in {queue}: {'; '.join(waiting)}", markup=False)
