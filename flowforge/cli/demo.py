"""`demo`: everything in one process, and orders to watch, typed and as data: they complete, or are made whole."""

from typing import Annotated

import typer

from flowforge.cli.options import Port, TemporalPort, UiPort


def demo(
    port: Port = 8000,
    temporal_port: TemporalPort = 7233,
    ui_port: UiPort = 8233,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End by itself; exit code 1 when an order did not end as it should.")
    ] = False,
) -> None:
    """Start everything, and show an order that completes and one that fails and is made whole; then both as data."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        typer.echo("starting Temporal, the API and a worker")
        from flowforge.cli.demo_stage import perform

        return await perform(settings, stop, port=port, temporal_port=temporal_port, ui_port=ui_port, once=once)

    run(main, code_when_stopped=1 if once else 0)
