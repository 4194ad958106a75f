"""`workflows publish` and `list`: definitions of a running FlowForge."""

from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from flowforge.cli.orders.look import console, moment, plain, print_json
from flowforge.client import FlowForge
from flowforge.remote.answers import Published
from flowforge.remote.problems import ApiInvalid


async def publish(flowforge: FlowForge, file: Path, *, strict: bool, quiet: bool = False) -> Published:
    """Publish a file's definition, print what is wrong with it and, unless quiet, what became of it.

    Raises:
        typer.Exit: it cannot be accepted.
    """
    try:
        published = await flowforge.register(file, strict=strict)
    except ApiInvalid as refused:
        if refused.code != "definition_invalid":
            raise
        for finding in refused.findings:
            severity = "warning" if finding.code.startswith("FF-11") else "error"
            typer.echo(plain(f"{file}:{finding} [{severity}]"), err=quiet)
        raise typer.Exit(1) from None
    if not quiet:
        for warning in published.warnings:
            place = "" if warning.line is None else f"{warning.line}:{warning.column}: "
            hint = "" if warning.hint is None else f", {warning.hint}"
            where = f" ({warning.pointer})" if warning.pointer else ""
            typer.echo(plain(f"{file}:{place}{warning.code} {warning.detail}{hint}{where} [warning]"))
        new = "published as" if published.created else "unchanged, it is"
        typer.echo(plain(f"{published.id}: {new} revision {published.revision}"))
    return published


async def print_definitions(flowforge: FlowForge, *, limit: int, as_json: bool) -> None:
    """Print the definitions that start runs, the newest first."""
    found = await flowforge.list_definitions(limit=limit + 1)
    has_more = len(found) > limit
    found = found[:limit]
    if as_json:
        print_json([each.as_json() for each in found])
        return
    screen = console()
    if not found:
        screen.print("no workflows")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("WORKFLOW", "REVISION", "PUBLISHED", "NAME"):
        table.add_column(name, overflow="fold", justify="right" if name == "REVISION" else "left")
    for each in found:
        name = "" if each.name == each.id else each.name
        at = moment(each.created_at.isoformat())
        table.add_row(Text(plain(each.id)), str(each.revision), at, Text(plain(name)))
    screen.print(table)
    if has_more:
        screen.print(f"the newest {len(found)}; --limit shows more", style="dim")
