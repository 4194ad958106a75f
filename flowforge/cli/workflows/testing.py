"""`workflows test`: what passed, and what came out otherwise than expected."""

from pathlib import Path

import typer

from flowforge.cli.workflows.reading import known_actions, refuse
from flowforge.testing.cases import Result, run_file
from flowforge.testing.documents import TestFileError


def print_tests(files: list[Path], actions: str | None) -> bool:
    """Run files of tests, print what came of each case, and tell whether all passed."""
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
    return failed == 0


def _print(result: Result) -> None:
    typer.echo(f"  {'ok  ' if result.passed else 'FAIL'} {result.name}")
    for difference in result.differences:
        for line in difference.lines():
            typer.echo(f"       {line}")
    if result.differences and result.failure is not None:
        typer.echo(f"       the run failed: {result.failure}")
