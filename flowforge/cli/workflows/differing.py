"""`workflows diff`: what differs between two revisions, or would."""

from rich.text import Text

from flowforge.cli.executions.look import compact
from flowforge.cli.orders.look import console, plain, print_json
from flowforge.cli.workflows.reading import definition_of, file_of, known_actions
from flowforge.client import FlowForge
from flowforge.engine.definition.difference import Change, difference
from flowforge.engine.definition.model import Definition

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


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
