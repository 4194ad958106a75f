"""How runs look on a terminal, wherever they are shown."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rich.text import Text

from flowforge.cli.orders.look import duration, plain
from flowforge.remote.answers import ExecutionSummary

STYLES: Final[Mapping[str, str]] = {
    "pending": "dim",
    "running": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "compensating": "magenta",
    "completed": "green",
    "failed": "red",
    "compensated": "magenta",
    "cancelled": "bright_black",
    "needs_attention": "bold red",
}

END_CODES: Final[Mapping[str, int]] = {
    "completed": 0,
    "failed": 3,
    "compensated": 4,
    "cancelled": 5,
    "needs_attention": 6,
}
"""The exit code that tells what a run came to; 1 is for what kept the command from finding out, 2 for a wrong call."""


def status_text(status: str) -> Text:
    """Return a run's status in its colour."""
    return Text(plain(status), style=STYLES.get(status, ""))


def reason(run: ExecutionSummary) -> str:
    """Return why a run turned back, in one line; empty where it did not."""
    if run.error is None:
        return ""
    where = "" if run.error.step is None else f"{run.error.step}: "
    # A run that was called off is called `cancelled`, and so is why.
    code = "" if run.error.code == run.status else f"{run.error.code}: "
    return plain(f"{where}{code}{run.error.message}")


def took(ms: int) -> str:
    """Return how long a run took, in milliseconds while that says more."""
    return f"{ms} ms" if ms < 10_000 else duration(ms / 1000)


def compact(value: Any) -> str:
    """Return a JSON value in one line."""
    return plain(json.dumps(value, ensure_ascii=False))
