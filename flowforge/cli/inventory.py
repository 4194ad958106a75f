"""`inventory set`: what is on the shelf, and what it costs."""

from typing import Annotated

import typer

app = typer.Typer(help="Catalogue and stock.", no_args_is_help=True)


@app.callback()
def _inventory() -> None:
    """Catalogue and stock."""


@app.command("set")
def set_stock(
    sku: Annotated[str, typer.Argument(help="The product, for example SKU-001.", metavar="SKU")],
    on_hand: Annotated[int, typer.Option(min=0, max=1_000_000_000, help="Units on the shelf, reserved ones included.")],
    name: Annotated[str | None, typer.Option(help="What it is called; needed for a new product.")] = None,
    unit_price_minor: Annotated[
        int | None, typer.Option(min=0, max=1_000_000_000, help="Its price in minor units; needed for a new product.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217, for example USD.")] = None,
) -> None:
    """Set a product's units on hand; the difference is written as a stock movement."""
    from flowforge.cli.lifecycle import run
    from flowforge.cli.stopping import Stop
    from flowforge.ids import IDENTIFIER
    from flowforge.money import CURRENCY, Money
    from flowforge.services.inventory.contracts import SetStock
    from flowforge.settings import Settings

    if IDENTIFIER.fullmatch(sku) is None:
        raise typer.BadParameter("1 to 128 letters, digits or . _ -", param_hint="SKU")
    if currency is not None and CURRENCY.fullmatch(currency) is None:
        raise typer.BadParameter("three capital letters, for example USD", param_hint="--currency")
    if name is not None and not 1 <= len(name) <= 200:
        raise typer.BadParameter("1 to 200 characters", param_hint="--name")
    change = SetStock(product_id=sku, on_hand=on_hand, name=name, unit_price_minor=unit_price_minor, currency=currency)

    async def main(settings: Settings, stop: Stop) -> int:  # noqa: ARG001 -- one transaction is not abandoned
        from flowforge.cli.composition import open_fulfilment, prepare_database

        await prepare_database(settings)
        async with open_fulfilment(settings) as fulfilment:
            level = await fulfilment.services.inventory.set_stock(change)
        price = Money(amount_minor=level.unit_price_minor, currency=level.currency)
        units = f"{level.on_hand} on hand, {level.available} available, {level.reserved} reserved"
        typer.echo(f"{level.product_id} ({level.name}, {price}): {units}")
        return 0

    run(main, talks_to_temporal=False)
