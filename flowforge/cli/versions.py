"""`worker-versions`: the versions of the workers, and which of them begins new orders."""

from typing import Annotated

import typer


def worker_versions(
    set_current: Annotated[
        str, typer.Option(metavar="BUILD_ID", help="Let this version begin all new orders from now on.")
    ] = "",
) -> None:
    """List the versions of workers that have a WORKER_BUILD_ID; one is drained when its last order has ended."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        from flowforge.temporal.client import connect
        from flowforge.temporal.target import TemporalTarget
        from flowforge.temporal.versions import set_current as let_begin
        from flowforge.temporal.versions import versions

        client = await stop.or_done(connect(TemporalTarget.of(settings)))
        if set_current:
            await stop.or_done(let_begin(client, settings.worker_deployment, set_current))
        known = await stop.or_done(versions(client, settings.worker_deployment))
        for version in known:
            typer.echo(f"{version.build_id}  {version.status}")
        if not known:
            typer.echo(f"no worker of {settings.worker_deployment} has a version; see WORKER_BUILD_ID")
        return 0

    run(main)
