"""`orders show`: all there is to know about one order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.orders.look import age, console, goods, moment, name_of, plain, print_json, status_text, total
from flowforge.remote.asking import Api

_EVERY: Final = 10_000_000
_UNDO_LOOK: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("·", "dim"),
    "running": ("…", "magenta"),
    "completed": ("↩", "magenta"),
    "not_needed": ("=", "dim"),
    "failed": ("✖", "bold red"),
    "written_off": ("✖", "yellow"),
}

_EVENT_STYLES: Final[Mapping[str, str]] = {
    "failed": "red",
    "completed": "green",
    "compensated": "magenta",
    "written_off": "red",
    "paused": "yellow",
}


async def print_order(api: Api, name: str, *, with_history: bool, as_json: bool) -> None:
    """Print an order, and its attempts where asked for; in JSON these are its `history`."""
    # This address takes no order's name for a word of the API.
    order = await api.get("orders", name, "status")
    if with_history:
        order["history"], _ = await api.all("orders", order["order_id"], "history", at_most=_EVERY)
    if as_json:
        print_json(order)
        return
    screen = console()
    _print_facts(screen, order)
    _print_steps(screen, order)
    _print_undos(screen, order)
    _print_events(screen, order)
    if with_history:
        _print_history(screen, order["history"])


def print_event(screen: Console, event: Mapping[str, Any], created_at: str) -> None:
    """Print an event: how long after the order was placed, what, and what of it."""
    after = (datetime.fromisoformat(event["timestamp"]) - datetime.fromisoformat(created_at)).total_seconds()
    style = _EVENT_STYLES.get(event["status"], "")
    step, status, message = plain(event["step"]), plain(event["status"]), plain(event["message"])
    if not screen.is_terminal:
        screen.print(f"{after:+9.3f} s  {step}  {status}  {message}", markup=False, soft_wrap=True)
        return
    # A message that takes several lines stays in its column.
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(style="dim", justify="right", width=11, no_wrap=True)
    line.add_column(width=18, overflow="fold")
    line.add_column(width=12, no_wrap=True)
    line.add_column(ratio=1, overflow="fold")
    line.add_row(f"{after:+.3f} s", Text(step), Text(status, style=style), Text(message))
    screen.print(line)


def _print_facts(screen: Console, order: Mapping[str, Any]) -> None:
    screen.print(Text.assemble((name_of(order), "bold"), "  "), status_text(order["status"]), sep="", soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, fact in _facts(order):
        table.add_row(f"  {label}", Text(plain(fact)))
    screen.print(table)


def _facts(order: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "order_id", order["order_id"]
    yield "workflow_id", order["workflow_id"]
    if order["customer_id"] is not None:
        sent = ", to be sent" if order["ship"] else ""
        yield "ordered", f"{goods(order)} for {order['customer_id']}, paid with {order['payment_method']}{sent}"
    if len(order["items"]) > 1:
        for item in order["items"]:
            yield "", f"{item['quantity']} x {item['product_id']}"
    if total(order):
        charge = "" if order["charge_id"] is None else f", charge {order['charge_id']}"
        yield "total", f"{total(order)}{charge}"
    yield "placed", f"{moment(order['created_at'])}, {age(order['created_at'])} ago"
    if order["failure_code"] is not None:
        yield "failed", f"{order['failure_code']}: {order['failure_reason'] or ''}"
    if order["cancel_requested_at"] is not None:
        yield "cancelled", f"{moment(order['cancel_requested_at'])}: {order['cancel_reason']}"
    if order["retry_of"] is not None:
        yield "tries again", order["retry_of"]
    if order["retried_by"] is not None:
        yield "tried again by", order["retried_by"]
    yield "Temporal", order["temporal_url"]


def _print_steps(screen: Console, order: Mapping[str, Any]) -> None:
    done = order["steps_completed"]
    if not done and order["current_step"] is None:
        return
    screen.print("\n[bold]Steps[/]")
    for step in done:
        screen.print(Text.assemble("  ", ("✔", "green"), f" {plain(step)}"))
    if order["current_step"] is not None:
        screen.print(Text.assemble("  ", ("…", "cyan"), f" {plain(order['current_step'])}"))


def _print_undos(screen: Console, order: Mapping[str, Any]) -> None:
    if not order["compensations"]:
        return
    screen.print("\n[bold]Undone[/]")
    for undo in order["compensations"]:
        status = undo["status"] if undo["written_off"] is None else "written_off"
        mark, style = _UNDO_LOOK.get(status, ("?", ""))
        line = Text.assemble("  ", (mark, style), f" {plain(undo['name'])}: {plain(status).replace('_', ' ')}")
        if undo["attempts"]:
            line.append(f", {undo['attempts']} attempt{'s' if undo['attempts'] > 1 else ''}", "dim")
        screen.print(line)
        if undo["error"] is not None:
            screen.print(Text(f"    {plain(undo['error'])}", style="red"))
        if undo["written_off"] is not None:
            screen.print(Text(f"    written off by {plain(undo['written_off'])}", style="yellow"))
    stuck = [undo for undo in order["compensations"] if undo["status"] == "failed" and undo["written_off"] is None]
    if order["status"] == "needs_attention" and stuck:
        screen.print("\nIt waits for you. When the cause is out of the way, or if it never will be:", style="bold red")
        for undo in stuck:
            names = f"{name_of(order)} {plain(undo['name'])}"
            screen.print(f"  main.py orders retry-compensation {names}", markup=False, soft_wrap=True)
            screen.print(f"  main.py orders write-off {names} --reason …", markup=False, soft_wrap=True)


def _print_events(screen: Console, order: Mapping[str, Any]) -> None:
    if not order["events"]:
        return
    screen.print("\n[bold]Events[/]")
    for event in order["events"]:
        print_event(screen, event, order["created_at"])


def _print_history(screen: Console, attempts: Sequence[Mapping[str, Any]]) -> None:
    screen.print("\n[bold]Attempts[/]")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("  STEP OR UNDO", "N", "OUTCOME", "TOOK", "WHERE", "ERROR"):
        table.add_column(name, overflow="fold", no_wrap=name in {"N", "OUTCOME", "TOOK"})
    for attempt in attempts:
        error = attempt["error"]
        placed = " ".join(part for part in (attempt["placement"], attempt["worker"]) if part)
        table.add_row(
            Text(f"  {plain(attempt['undo'] or attempt['step'])}"),
            str(attempt["attempt"]),
            Text(plain(attempt["outcome"]), style="red" if error or attempt["outcome"] == "lost" else ""),
            _took(attempt),
            Text(plain(placed)),
            Text("" if error is None else plain(f"{error['code']}: {error['message']}")),
        )
    screen.print(table)


def _took(attempt: Mapping[str, Any]) -> str:
    if attempt["started_at"] is None or attempt["ended_at"] is None:
        return ""
    began, ended = datetime.fromisoformat(attempt["started_at"]), datetime.fromisoformat(attempt["ended_at"])
    return f"{(ended - began).total_seconds() * 1000:.0f} ms"
