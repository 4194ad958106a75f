"""`worker`: runs orders, alone."""


def worker() -> None:
    """Run orders until told to stop; what runs then gets time to finish."""
    import typer

    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        from functools import partial

        from flowforge.cli.composition import open_fulfilment, prepare_database, version_of
        from flowforge.cli.working import reconciling, restore, work
        from flowforge.temporal.client import connect_with_retry
        from flowforge.temporal.target import TemporalTarget

        await stop.or_done(prepare_database(settings))
        target = TemporalTarget.of(settings)
        client = await stop.or_done(connect_with_retry(target, restore=partial(restore, settings)))
        async with open_fulfilment(settings) as fulfilment, reconciling(fulfilment, client):
            await fulfilment.engine.publish_bundled()
            await fulfilment.engine.launcher.provide_labels(client)
            built = fulfilment.worker(client, version_of(settings))
            typer.echo(f"The worker takes orders from {settings.task_queue} of Temporal at {target.address}")
            await work(built, stop)
        return 0

    run(main)
