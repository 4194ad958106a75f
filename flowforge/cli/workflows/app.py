"""The commands of `workflows` that need no server, and their options."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, draw, prove and test definitions.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The definition, JSON or YAML, in any of the forms.", metavar="FILE")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")]
Actions = Annotated[
    str | None, typer.Option(help="Modules with actions of your own; without, ACTIONS.", metavar="MODULES")
]


@app.callback()
def _workflows() -> None:
    """Check, draw, prove and test definitions."""


@app.command()
def validate(file: File, *, strict: Strict = False, actions: Actions = None) -> None:
    """Tell everything that is wrong with a definition, with line and column."""
    from flowforge.cli.workflows.reading import known_actions, print_problems, report_of

    report = report_of(file, known_actions(actions))
    print_problems(file, report)
    if report.definition is not None:
        typer.echo(f"{file}: {report.definition.id} is valid, with {len(report.warnings)} warnings")
    raise typer.Exit(1 if report.definition is None or (strict and report.problems) else 0)


@app.command()
def graph(file: File) -> None:
    """Print a definition as a Mermaid flow chart."""
    from flowforge.cli.workflows.reading import definition_of, known_actions
    from flowforge.engine.diagram import mermaid

    typer.echo(mermaid(definition_of(file, known_actions(""))), nl=False)


@app.command()
def prove(
    file: File,
    *,
    faults: Annotated[int, typer.Option(min=0, max=5, help="How many faults may come in one run.")] = 2,
    given: Annotated[
        Path | None, typer.Option("--input", help="A run's input, or a start request; else any may come.")
    ] = None,
    strict: Strict = False,
    actions: Actions = None,
    tests: Annotated[
        Path | None, typer.Option(help="A folder for a .test.yaml of each finding, in which it happens again.")
    ] = None,
) -> None:
    """Look at everything that may happen to a run, and tell the shortest way to each bad end. Exit code 1 if any."""
    from flowforge.cli.workflows.proving import print_proof

    holds = print_proof(file, faults=faults, given=given, strict=strict, actions=actions, tests=tests)
    raise typer.Exit(0 if holds else 1)


@app.command("test")
def run_tests(
    files: Annotated[list[Path], typer.Argument(help="Files of tests.", metavar="FILE.test.yaml...")],
    *,
    actions: Actions = None,
) -> None:
    """Run tests of definitions in virtual time. Exit code 1 if any fails."""
    from flowforge.cli.workflows.testing import print_tests

    raise typer.Exit(0 if print_tests(files, actions) else 1)
