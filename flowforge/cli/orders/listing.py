"""`orders list`: many orders, a line each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from flowforge.cli.orders.look import age, console, goods, moment, name_of, plain, print_json, status_text, total
from flowforge.remote.asking import Api

_WIDE: Final = 120


async def print_list(api: Api, *, status: str | None, customer: str | None, limit: int, as_json: bool) -> None:
    """Print orders, the newest first."""
    orders, has_more = await api.all("orders", at_most=limit, status=status, customer_id=customer)
    if as_json:
        print_json(orders)
        return
    screen = console()
    if not orders:
        screen.print("no orders")
        return
    screen.print(table_of(orders, width=screen.width))
    if has_more:
        screen.print(f"the newest {len(orders)}; --limit shows more", style="dim")


def table_of(orders: Sequence[Mapping[str, Any]], *, width: int) -> Table:
    """Return orders as a table that fits the width, and keeps names whole."""
    is_wide = width >= _WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("ORDER", overflow="fold", min_width=36 if is_wide else None)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("GOODS", no_wrap=True, overflow="ellipsis")
    if is_wide:
        table.add_column("TOTAL", no_wrap=True, justify="right")
        table.add_column("CUSTOMER", no_wrap=True, overflow="ellipsis", max_width=20)
        table.add_column("PLACED", no_wrap=True)
    table.add_column("AGE", no_wrap=True, justify="right")
    if is_wide:
        table.add_column("FAILURE", no_wrap=True)
    for order in orders:
        row = [Text(name_of(order)), status_text(order["status"]), Text(goods(order))]
        if is_wide:
            row += [Text(total(order)), Text(plain(order["customer_id"] or "")), Text(moment(order["created_at"]))]
        row.append(Text(age(order["created_at"])))
        if is_wide:
            row.append(Text(plain(order["failure_code"] or "")))
        table.add_row(*row)
    return table
