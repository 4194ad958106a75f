"""`test`: which tests of definitions passed, and what came out otherwise than expected."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.workflows.app import Actions

if TYPE_CHECKING:
    from flowforge.testing.cases import Result


def run_tests(
    files: Annotated[list[Path], typer.Argument(help="Files of tests.", metavar="FILE.test.yaml...")],
    *,
    actions: Actions = None,
) -> None:
    """Run tests of definitions in virtual time. Exit code 1 if any fails."""
    from flowforge.cli.workflows.reading import known_actions, refuse
    from flowforge.testing.cases import run_file
    from flowforge.testing.documents import TestFileError

    known = known_actions(actions)
    results: list[Result] = []
    for file in files:
        typer.echo(str(file))
        try:
            found = run_file(file, known)
        except TestFileError as error:
            raise refuse(str(error)) from error
        for result in found:
            _print(result)
        results += found
    failed = sum(not result.passed for result in results)
    typer.echo(f"{len(results) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


def _print(result: "Result") -> None:
    typer.echo(f"  {'ok  ' if result.passed else 'FAIL'} {result.name}")
    for difference in result.differences:
        for line in difference.lines():
            typer.echo(f"       {line}")
    if result.differences and result.failure is not None:
        typer.echo(f"       the run failed: {result.failure}")
