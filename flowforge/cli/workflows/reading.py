"""Reading what a command is given: a definition, the actions that are known, an input."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import yaml

from flowforge.errors import StartupError
from flowforge.remote.sources import names_file

if TYPE_CHECKING:
    from flowforge.cli.workflows.known import KnownActions
    from flowforge.engine.definition.model import Definition
    from flowforge.engine.validation.examine import Report


def known_actions(modules: str | None) -> "KnownActions":
    """Return what is known of actions; `modules` None takes those of ACTIONS."""
    from flowforge.cli.workflows.known import KnownActions

    try:
        return KnownActions(os.environ.get("ACTIONS", "") if modules is None else modules)
    except StartupError as error:
        raise refuse(error.message) from error


def report_of(file: Path, actions: "KnownActions") -> "Report":
    """Return what is found out about a definition's file."""
    from flowforge.engine.validation.examine import examine

    return examine(text_of(file), catalogue=actions)


def definition_of(file: Path, actions: "KnownActions") -> "Definition":
    """Return the definition in a file, or print what is wrong with it and end with code 1."""
    report = report_of(file, actions)
    if report.definition is None:
        print_problems(file, report)
        raise typer.Exit(1)
    return report.definition


def print_problems(file: Path, report: "Report") -> None:
    """Print what is wrong with a file, or looks wrong, a line each."""
    for problem in report.problems:
        typer.echo(f"{file}:{problem} [{problem.severity}]")


def input_of(file: Path | None) -> dict[str, Any] | None:
    """Return the input in a file, JSON or YAML; that of a start request too (`input` or `context` inside of it)."""
    if file is None:
        return None
    text = text_of(file)
    try:
        value = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise refuse(f"{file}: {error}") from error
    for names, part in (({"type", "workflowId"}, "input"), ({"type", "workflowId"}, "context")):
        if isinstance(value, dict) and names & value.keys() and isinstance(value.get(part), dict):
            value = value[part]
    if not isinstance(value, dict):
        raise refuse(f"{file}: an input is an object")
    return value


def file_of(source: str) -> Path | None:
    """Return the file that is meant; None where it is a definition's id."""
    file = Path(source)
    return file if names_file(source) or file.is_file() else None


def text_of(file: Path) -> bytes:
    """Return what a file holds, or end with code 1."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise refuse(f"{file}: {error.strerror}") from error


def refuse(message: str) -> typer.Exit:
    """Print why a command cannot do anything, and return its end."""
    typer.echo(f"flowforge: {message}", err=True)
    return typer.Exit(1)
