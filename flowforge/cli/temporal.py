"""`temporal`: the tuned development server alone."""

from typing import Annotated

import typer


def temporal(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the frontend.")] = 7233,
    ui_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the web UI.")] = 8233,
) -> None:
    """Run a tuned, persisted Temporal development server until it is told to stop."""
    import contextlib

    from flowforge.cli.lifecycle import run
    from flowforge.cli.progress import progress
    from flowforge.cli.stopping import Stop, StoppedError
    from flowforge.errors import StartupError
    from flowforge.settings import Settings
    from flowforge.temporal.running import own_server

    async def main(settings: Settings, stop: Stop) -> int:
        async with contextlib.AsyncExitStack() as stack:
            starting = own_server(settings, progress=progress, port=port, ui_port=ui_port)
            server = await stop.or_done(stack.enter_async_context(starting))
            typer.echo(f"Temporal is at {server.address}, its UI at {server.ui_url}; Ctrl-C ends it")
            try:
                code = await stop.or_done(server.wait())
            except StoppedError:
                return 0
            raise StartupError(f"Temporal ended by itself with code {code}; see {server.log_path}")

    run(main)
