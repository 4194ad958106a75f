"""`audit`: asks the database, and Temporal where it answers, whether all is well."""


def audit() -> None:
    """Check money, stock, liveness, once-only and orphans; exit code 1 on a violation."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        from flowforge.cli.auditing import examine, report
        from flowforge.cli.composition import open_fulfilment, prepare_database

        await stop.or_done(prepare_database(settings))
        async with open_fulfilment(settings) as fulfilment:
            return report(await stop.or_done(examine(settings, fulfilment)))

    run(main, code_when_stopped=1)
