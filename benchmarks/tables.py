"""Figures and tables as the reports show them."""

from collections.abc import Sequence

from benchmarks.figures import Spread
from benchmarks.machine import Circumstances


def value(spread: Spread) -> str:
    """Return a figure with its extremes."""
    return f"{spread.median:.1f} ({spread.lowest:.1f}–{spread.highest:.1f})"  # noqa: RUF001 -- a range


def times(spread: Spread) -> str:
    """Return a ratio with its extremes."""
    return f"{spread.median:.2f} ({spread.lowest:.2f}–{spread.highest:.2f})"  # noqa: RUF001 -- a range


def met(is_met: bool) -> str:  # noqa: FBT001
    """Say whether a target was reached."""
    return "reached" if is_met else "**missed**"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def circumstances_table(where: Circumstances, command: str, extent: str) -> str:
    """Return what a report begins with: when, where, how and how much was measured."""
    rows = [
        ("date", where.date),
        ("commit", where.commit),
        ("command", f"`{command}`"),
        ("extent", extent),
        ("machine", where.machine),
        ("software", where.software),
        ("load average before", where.load_average),
    ]
    return table(("", ""), rows)
