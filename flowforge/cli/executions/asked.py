"""Options as people write them: JSON, labels, times, inputs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer


def data_of(text: str | None) -> Any:
    """Return what a JSON text says; None where there is none.

    Raises:
        typer.BadParameter: it is no JSON.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint="--data") from None


def object_of(text: str | None, option: str) -> dict[str, Any]:
    """Return the object in a JSON text or in a file, JSON or YAML; that of a start request, too.

    Raises:
        typer.BadParameter: the text begins like an object, and is none.
    """
    from flowforge.cli.workflows.reading import input_of

    if text is None or not text.lstrip().startswith("{"):
        return input_of(None if text is None else Path(text)) or {}
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint=option) from None
    return found


def label_of(text: str | None) -> tuple[str, str] | None:
    """Return a label's name and text.

    Raises:
        typer.BadParameter: there is no colon between them.
    """
    if text is None:
        return None
    name, colon, said = text.partition(":")
    if not colon:
        raise typer.BadParameter("a name, a colon and a text", param_hint="--label")
    return name, said


def moment_of(time: datetime | None) -> datetime | None:
    """Return a time with a zone: UTC where none was named."""
    return time if time is None or time.tzinfo is not None else time.replace(tzinfo=UTC)
