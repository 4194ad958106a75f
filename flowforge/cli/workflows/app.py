"""The commands of `workflows` and their options: those that need no server, and those that ask one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.asking import ApiUrl, AsJson, ask

if TYPE_CHECKING:
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge

app = typer.Typer(help="Check, draw, prove and publish definitions.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The definition, JSON or YAML, in any of the forms.", metavar="FILE")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")]
Actions = Annotated[
    str | None, typer.Option(help="Modules with actions of your own; without, ACTIONS.", metavar="MODULES")
]


@app.callback()
def _workflows() -> None:
    """Check, draw, prove and publish definitions."""


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


@app.command()
def publish(file: File, *, strict: Strict = False, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Publish a definition; unchanged, it stays the revision that it is. Exit code 1 if it cannot be accepted."""

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.orders.look import print_json
        from flowforge.cli.workflows.publishing import publish

        published = await publish(flowforge, file, strict=strict, quiet=as_json)
        if as_json:
            print_json(published.as_json())
        return 0

    ask(act, api_url)


@app.command("list")
def list_workflows(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most; as many pages are read as that takes.")] = 50,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """List the definitions that start runs, the newest first, each with its latest revision."""

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.workflows.publishing import print_definitions

        await print_definitions(flowforge, limit=limit, as_json=as_json)
        return 0

    ask(act, api_url)


@app.command()
def diff(
    source: Annotated[str, typer.Argument(help="A file, or the id of a definition.", metavar="FILE|ID")],
    *,
    before: Annotated[
        int | None, typer.Option("--from", min=1, help="The older revision; without, the one before the other.")
    ] = None,
    after: Annotated[int | None, typer.Option("--to", min=1, help="The newer revision; without, the latest.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Tell what publishing a FILE would change, or what differs between two revisions of ID."""

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.workflows.differing import print_difference

        await print_difference(flowforge, source, before=before, after=after, as_json=as_json)
        return 0

    ask(act, api_url)
