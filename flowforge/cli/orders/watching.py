"""`orders watch`: one order by its events, or all of them by looking again."""

import asyncio
import json
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from flowforge.cli.orders.counting import counts_line
from flowforge.cli.orders.listing import table_of
from flowforge.cli.orders.look import console, name_of, plain, print_json, status_text
from flowforge.cli.orders.showing import print_event
from flowforge.cli.stopping import Stop, StoppedError
from flowforge.errors import FlowForgeError
from flowforge.remote.asking import Api
from flowforge.remote.following import follow
from flowforge.remote.problems import Unreachable

_EVERY_S: Final = 1.0
_OTHER_LINES: Final = 5
_NEWEST: Final = 200


async def watch_order(api: Api, name: str, *, as_json: bool) -> int:
    """Follow an order to its end; return 0 where it completed, else 1."""
    order = await api.get("orders", name, "status")
    screen = console()
    if not as_json:
        screen.print(Text.assemble((name_of(order), "bold"), f"  {plain(order['temporal_url'])}"), soft_wrap=True)
    async for event in follow(api, "orders", order["order_id"], "events"):
        if not as_json:
            print_event(screen, json.loads(event.data), order["created_at"])
    order = await api.get("orders", name, "status")
    if as_json:
        print_json(order)
    else:
        reason = f": {plain(order['failure_reason'])}" if order["failure_reason"] is not None else ""
        screen.print(Text.assemble(status_text(order["status"]), reason))
    return 0 if order["status"] == "completed" else 1


async def watch_all(api: Api, stop: Stop) -> None:
    """Show the newest orders, as many as fit, until the stop is asked for.

    Raises:
        FlowForgeError: this is no terminal.
    """
    screen = console()
    if not screen.is_terminal:
        raise FlowForgeError("watching all orders takes a terminal; name an ORDER, or use `orders list`")
    picture = await _picture(api, screen)
    with Live(picture, console=screen, screen=True, auto_refresh=False) as live:
        while not stop.is_asked:
            try:
                await stop.or_done(asyncio.sleep(_EVERY_S))
            except StoppedError:
                return
            try:
                picture = await _picture(api, screen)
                live.update(picture, refresh=True)
            except Unreachable as away:
                live.update(Group(Text(away.message, style="bold red"), picture), refresh=True)


async def print_moves(api: Api, stop: Stop) -> None:
    """Print every order of the newest that has come or moved since the last look, one JSON document a line."""
    known: dict[str, str | None] = {}
    orders, _ = await api.all("orders", at_most=_NEWEST)
    while True:
        for order in reversed(orders):
            if order["order_id"] not in known or known[order["order_id"]] != order["updated_at"]:
                typer.echo(json.dumps(order))
        known = {order["order_id"]: order["updated_at"] for order in orders}
        try:
            await stop.or_done(asyncio.sleep(_EVERY_S))
            orders, _ = await stop.or_done(api.all("orders", at_most=_NEWEST))
        except StoppedError:
            return
        except Unreachable as away:
            typer.echo(plain(away.message), err=True)


async def _picture(api: Api, screen: Console) -> RenderableType:
    """Look at the statistics and at the newest orders."""
    rows = max(screen.height - _OTHER_LINES, 1)
    stats, (orders, _) = await asyncio.gather(api.get("orders", "stats"), api.all("orders", at_most=rows))
    minute = stats["rates"][0]["counts"]
    pace = f"in the last minute {minute['placed']} placed, {minute['completed']} completed, {minute['failed']} failed"
    body = table_of(orders, width=screen.width) if orders else Text("no orders")
    return Group(counts_line(stats["counts"]), Text(f"{pace}; Ctrl-C ends", style="dim"), Text(), body)
