"""The demo on the screen: on a terminal a live table an order, elsewhere a line an event."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from flowforge.cli.demo_saga import Row, RowStatus

PAUSE_S: Final = 0.3
"""How long a person gets to read each event; the orders themselves are not held up."""

_WIDTH: Final = 80
_NAME_WIDTH: Final = 33
_TIME_WIDTH: Final = 8
_LOOK: Final[dict[RowStatus, tuple[str, str]]] = {
    "waiting": ("·", "dim"),
    "running": ("…", "cyan"),
    "done": ("✔", "green"),
    "failed": ("✖", "bold red"),
    "undoing": ("…", "magenta"),
    "undone": ("↩", "magenta"),
}
_MOVING: Final[tuple[RowStatus, ...]] = ("running", "undoing")


class ShownProcess(Protocol):
    """Something with steps that is shown: see ShownSaga and ShownRun."""

    title: str
    rows: list[Row]
    verdict: str
    is_as_it_should: bool


Shown = tuple[ShownProcess, AsyncIterator[Row]]
"""A process, and its rows as they change."""


async def show(console: Console, shown: Sequence[Shown]) -> None:
    """Show sagas at the same time, until no row of any of them changes any more."""
    if not console.is_terminal:
        await asyncio.gather(*(_print_lines(console, *each) for each in shown))
        return
    spinners = {status: Spinner("dots", style=_LOOK[status][1]) for status in _MOVING}
    sagas = [saga for saga, _ in shown]
    with Live(console=console, get_renderable=lambda: _tables(sagas, spinners), refresh_per_second=20):
        await asyncio.gather(*(_let_read(rows) for _, rows in shown))


async def _let_read(rows: AsyncIterator[Row]) -> None:
    async for _ in rows:
        await asyncio.sleep(PAUSE_S)


async def _print_lines(console: Console, saga: ShownProcess, rows: AsyncIterator[Row]) -> None:
    async for row in rows:
        mark = _LOOK[row.status][0]
        console.print(f"{row.after_ms:>6} ms  {saga.title}: {mark} {row.name}: {row.told}", markup=False)
    console.print(f"           {saga.title}: = {saga.verdict}", markup=False)


def _tables(sagas: Sequence[ShownProcess], spinners: Mapping[RowStatus, Spinner]) -> Group:
    parts: list[RenderableType] = []
    for saga in sagas:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0), width=_WIDTH)
        table.add_column(width=1)
        table.add_column(width=_NAME_WIDTH, no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(width=_TIME_WIDTH, justify="right", style="dim", no_wrap=True)
        for row in saga.rows:
            mark, style = _LOOK[row.status]
            time = "" if row.after_ms is None else f"{row.after_ms} ms"
            table.add_row(spinners.get(row.status) or Text(mark, style), Text(row.name, style), _told(row), time)
        parts += [Text(f"\n{saga.title}", "bold"), table]
        if saga.verdict:
            parts.append(Text(f"= {saga.verdict}", "bold green" if saga.is_as_it_should else "bold red"))
    return Group(*parts)


def _told(row: Row) -> Text:
    return Text(row.told, _LOOK[row.status][1] if row.status in {"failed", "undone"} else "")
