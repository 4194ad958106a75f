"""A definition as a picture: Mermaid's flowchart, with what became of each step where a run is shown."""

from collections.abc import Mapping
from typing import Final

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step, Transitions, targets

_COLOURS: Final = {
    "success": "#c8e6c9",
    "running": "#bbdefb",
    "waiting": "#fff9c4",
    "failed": "#ffcdd2",
    "skipped": "#eeeeee",
    "compensated": "#ffe0b2",
}


def dependencies(definition: Definition) -> dict[str, list[str]]:
    """Return, for each step, the steps from which a run comes to it."""
    found: dict[str, list[str]] = {step.id: list(step.depends_on) for step in definition.steps}
    for step in definition.steps:
        onward = targets(step) if definition.is_state_machine else (step.error_branch,)
        for to in onward:
            if to is not None and step.id not in found[to]:
                found[to].append(step.id)
    return found


def mermaid(definition: Definition, views: Mapping[str, str] | None = None) -> str:
    """Return a flowchart.

    Args:
        definition: what to draw.
        views: what became of its steps in a run, where one is shown.
    """
    numbers = {step.id: f"s{number}" for number, step in enumerate(definition.steps)}
    lines = ["flowchart TD"]
    for step in definition.steps:
        lines.append(f'    {numbers[step.id]}["{_label(step)}"]')
        if step.compensation is not None:
            lines.append(
                f'    {numbers[step.id]} -. undo .- u{numbers[step.id]}(["{_text(step.compensation.action)}"])'
            )
    lines += [
        f"    {numbers[before]} {_arrow(definition, before, after)} {numbers[after]}"
        for after, sources in dependencies(definition).items()
        for before in sources
    ]
    shown = views or {}
    lines += [f"    classDef {view} fill:{colour}" for view, colour in _COLOURS.items() if view in shown.values()]
    lines += [f"    class {numbers[step]} {view}" for step, view in shown.items() if view in _COLOURS]
    return "\n".join(lines) + "\n"


def _arrow(definition: Definition, before: str, after: str) -> str:
    step = next(step for step in definition.steps if step.id == before)
    ways = step.transitions
    is_error = after == step.error_branch or (
        isinstance(ways, Transitions) and after == ways.on_failure != ways.on_success
    )
    return "-- error -->" if is_error else "-->"


def _label(step: Step) -> str:
    return _text(step.name or step.id)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace("\n", " ")[:200]
