"""`workflows publish`, `list` and `diff`: definitions of a running FlowForge."""

from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from flowforge.cli.executions.look import compact
from flowforge.cli.orders.look import console, moment, plain, print_json
from flowforge.cli.workflows.reading import definition_of, file_of, known_actions
from flowforge.client import FlowForge
from flowforge.engine.definition.difference import Change, difference
from flowforge.engine.definition.model import Definition
from flowforge.remote.answers import Published
from flowforge.remote.problems import ApiInvalid

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


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


async def print_difference(
    flowforge: FlowForge, source: str, *, before: int | None, after: int | None, as_json: bool
) -> None:
    """Print what publishing a file would change, or what differs between two revisions."""
    file = file_of(source)
    if file is not None:
        new = definition_of(file, known_actions(""))
        old = await _published(flowforge, new.id, before)
        told = f"{file} changes nothing of {new.id}"
    else:
        latest = (await flowforge.get_definition(source)).revision
        to = after or latest
        since = before or max(to - 1, 1)
        old, new = await _published(flowforge, source, since), await _published(flowforge, source, to)
        told = f"{source}: no difference between revision {since} and revision {to}"
    changes = difference(old, new)
    if as_json:
        print_json([_as_json(change) for change in changes])
        return
    screen = console()
    for change in changes:
        screen.print(_line(change), soft_wrap=True)
    if not changes:
        screen.print(plain(told), markup=False, soft_wrap=True)


async def _published(flowforge: FlowForge, workflow_id: str, revision: int | None) -> Definition:
    found = await flowforge.get_definition(workflow_id, revision=revision, form="canonical")
    return Definition.model_validate(found.definition)


def _as_json(change: Change) -> dict[str, object]:
    return {"kind": change.kind, "pointer": change.pointer, "before": change.before, "after": change.after}


def _line(change: Change) -> Text:
    mark, style = _MARKS[change.kind]
    if change.kind == "changed":
        what = f"{compact(change.before)} -> {compact(change.after)}"
    else:
        what = compact(change.after if change.kind == "added" else change.before)
    return Text(plain(f"{mark} {change.pointer}: {what}"), style=style)
