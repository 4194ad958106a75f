"""The bench's command, as people call it."""

import typer
from typer.testing import CliRunner

from flowforge.cli.bench import bench


def test_part_that_there_is_not_is_refused_before_anything_is_measured() -> None:
    app = typer.Typer()
    app.command()(bench)
    told = CliRunner().invoke(app, ["--only", "egine"])
    assert (told.exit_code, told.stdout) == (2, "")
    assert "there is no part egine: orders, engine" in told.stderr
