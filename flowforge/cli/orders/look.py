"""How orders look on a terminal, wherever they are shown."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

from flowforge.money import Money

_NARROWEST_FILE: Final = 160
"""Columns where the output is no terminal: whoever reads it later wants whole lines."""

STYLES: Final[Mapping[str, str]] = {
    "running": "cyan",
    "paused": "yellow",
    "compensating": "magenta",
    "completed": "green",
    "failed": "red",
    "cancelled": "bright_black",
    "returned": "bright_black",
    "needs_attention": "bold red",
}


def console() -> Console:
    """Return what tables are printed with."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = max(made.width, _NARROWEST_FILE)
    return made


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2))


def plain(text: object) -> str:
    """Return text from elsewhere without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def status_text(status: str) -> Text:
    """Return a status in its colour."""
    return Text(plain(status), style=STYLES.get(status, ""))


def name_of(order: Mapping[str, Any]) -> str:
    """Return the shorter of an order's names that leads to it: the one its client chose, or else its order id."""
    workflow_id: str = order["workflow_id"]
    return plain(order["order_id"] if workflow_id.startswith("order-ord_") else workflow_id)


def goods(order: Mapping[str, Any]) -> str:
    """Return what was ordered."""
    items = order["items"]
    if len(items) != 1:
        return f"{len(items)} products" if items else "?"
    return plain(f"{items[0]['quantity']} x {items[0]['product_id']}")


def total(order: Mapping[str, Any]) -> str:
    """Return an order's total, empty before it is quoted."""
    if order["amount_minor"] is None or order["currency"] is None:
        return ""
    return str(Money(amount_minor=order["amount_minor"], currency=order["currency"]))


def moment(timestamp: str) -> str:
    """Return a time to the second, in UTC."""
    return f"{datetime.fromisoformat(timestamp).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def age(timestamp: str) -> str:
    """Return how long ago a time was."""
    return duration((datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds())


def duration(seconds: float) -> str:
    """Return a stretch of time in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}" if seconds >= 10 * length else f"{seconds / length:.1f} {unit}"
    return f"{max(seconds, 0):.0f} s"
