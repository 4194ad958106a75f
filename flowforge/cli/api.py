"""`api`: the HTTP API alone."""

from flowforge.cli.options import Host, Port


def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the HTTP API until told to stop; orders it accepts are run by workers."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        from flowforge.cli.composition import open_fulfilment, prepare_database, ui_url
        from flowforge.cli.serving import listening_socket, serve, tell_address
        from flowforge.temporal.client import connect_with_retry
        from flowforge.temporal.target import TemporalTarget

        with listening_socket(host, port) as listener:
            await stop.or_done(prepare_database(settings))
            target = TemporalTarget.of(settings)
            client = await stop.or_done(connect_with_retry(target))
            async with open_fulfilment(settings) as fulfilment:
                app = fulfilment.api(client, target)
                await serve(app, listener, stop, lambda: tell_address(listener, ui_url(settings, target)))
        return 0

    run(main)
