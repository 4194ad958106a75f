"""`all`: API and worker in one process, with a Temporal of its own where none was named and none answers."""

from typing import Annotated

import typer

from flowforge.cli.options import Host, Port, TemporalPort, UiPort


def all_in_one(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    temporal_port: TemporalPort = 7233,
    ui_port: UiPort = 8233,
    *,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when code changes; Temporal stays as it is.")
    ] = False,
    on_leash: Annotated[
        bool, typer.Option("--on-leash", hidden=True, help="End when standard input is closed.")
    ] = False,
) -> None:
    """Run API, worker and, where there is none, Temporal, until told to stop."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        from flowforge.cli.reload import stop_when_input_closes
        from flowforge.cli.together import run_together

        if on_leash:
            stop_when_input_closes(stop)
        await run_together(settings, stop, host=host, port=port, temporal_port=temporal_port, ui_port=ui_port)
        return 0

    async def supervise(settings: Settings, stop: Stop) -> int:
        from flowforge.cli.reload import run_reloading

        await run_reloading(settings, stop, host=host, port=port, temporal_port=temporal_port, ui_port=ui_port)
        return 0

    run(supervise if reload else main)
