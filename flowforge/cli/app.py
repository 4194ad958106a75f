"""The `flowforge` command: what it can do, and the file that does it."""

import typer

from flowforge.cli import inventory
from flowforge.cli.all import all_in_one
from flowforge.cli.api import api
from flowforge.cli.audit import audit
from flowforge.cli.bench import bench
from flowforge.cli.demo import demo
from flowforge.cli.executions import app as executions
from flowforge.cli.migrate import migrate
from flowforge.cli.orders import app as orders
from flowforge.cli.running import run_definition
from flowforge.cli.starter import starter
from flowforge.cli.temporal import temporal
from flowforge.cli.testing import run_tests
from flowforge.cli.versions import worker_versions
from flowforge.cli.worker import worker
from flowforge.cli.workflows import app as workflows


def commands() -> typer.Typer:
    """Return the command line: every command under its name."""
    app = typer.Typer(
        name="flowforge",
        help="Durable order fulfilment on Temporal: what was done is undone when a step fails.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command("all")(all_in_one)
    app.command("run")(run_definition)
    app.command("test")(run_tests)
    for command in (demo, api, worker, temporal, starter, audit, migrate, worker_versions, bench):
        app.command()(command)
    app.add_typer(inventory.app, name="inventory")
    app.add_typer(orders.app, name="orders")
    app.add_typer(workflows.app, name="workflows")
    app.add_typer(executions.app, name="executions")
    return app


def main() -> None:
    """Run the command that the arguments name."""
    commands()()
