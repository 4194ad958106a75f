"""`starter`: places one sample order in Temporal directly, and waits for its end."""

from typing import Annotated, Literal

import typer


def starter(
    fail_at: Annotated[
        Literal["", "inventory-check", "inventory", "payment", "warehouse", "capture", "shipment"],
        typer.Option(help="Step to fail in, after its effect was committed."),
    ] = "",
    payment_method: Annotated[str, typer.Option(help="A payment token, for example tok_chargeDeclined.")] = "tok_visa",
) -> None:
    """Place one sample order, print its end as JSON; exit code 1 unless it completed.

    It goes to the Temporal of the worker, at TEMPORAL_HOST; the database is only read.
    """
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.ids import IDENTIFIER
    from flowforge.settings import Settings

    if IDENTIFIER.fullmatch(payment_method) is None:
        raise typer.BadParameter("1 to 128 letters, digits or . _ -", param_hint="--payment-method")

    async def main(settings: Settings, stop: Stop) -> int:
        from flowforge.cli.composition import open_fulfilment, prepare_database
        from flowforge.cli.sample_order import place_and_wait
        from flowforge.temporal.client import connect_with_retry
        from flowforge.temporal.target import TemporalTarget

        target = TemporalTarget.of(settings)
        client = await stop.or_done(connect_with_retry(target))
        await stop.or_done(prepare_database(settings))
        async with open_fulfilment(settings) as fulfilment:
            return await stop.or_done(
                place_and_wait(fulfilment, client, target, fail_at=fail_at or None, payment_method=payment_method)
            )

    run(main, code_when_stopped=1)
