"""`migrate`: brings the database up to date."""


def migrate() -> None:
    """Bring the database up to date; the other commands do it by themselves when they start."""
    import typer

    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:  # noqa: ARG001 -- one transaction is not abandoned
        from sqlalchemy.engine import make_url

        from flowforge.cli.composition import prepare_database

        await prepare_database(settings)
        typer.echo(f"up to date: {make_url(settings.database_url).render_as_string()}")
        return 0

    run(main, talks_to_temporal=False)
