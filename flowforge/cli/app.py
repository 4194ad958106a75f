"""The `flowforge` command: what it can do, and the file that does it."""

import typer

from flowforge.cli.temporal import temporal


def main() -> None:
    """Run the command that the arguments name."""
    app = typer.Typer(
        name="flowforge",
        help="Durable order fulfilment on Temporal: what was done is undone when a step fails.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (temporal,):
        app.command()(command)
    # A single command would else become the whole program.
    app.callback()(_flowforge)
    app()


def _flowforge() -> None:
    pass
