"""The commands of `orders` and their options; what they do is in the modules beside this one."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flowforge.cli.asking import ApiUrl, AsJson, ask_api

if TYPE_CHECKING:
    from flowforge.cli.stopping import Stop
    from flowforge.remote.asking import Api

app = typer.Typer(help="See orders, and decide on them, over the API.", no_args_is_help=True)

Order = Annotated[str, typer.Argument(help="The order, by its order_id or workflow_id.", metavar="ORDER")]
Undo = Annotated[str, typer.Argument(help="The undo, as `orders show` names it.", metavar="UNDO")]
Reason = Annotated[str, typer.Option(help="Why, in one line; it is kept with the order.")]
Status = Literal["running", "paused", "compensating", "completed", "failed", "cancelled", "needs_attention", "returned"]


@app.callback()
def _orders() -> None:
    """See orders, and decide on them, over the API."""


@app.command("list")
def list_orders(
    *,
    status: Annotated[Status | None, typer.Option(help="Only orders that are in this state.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer's orders.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most; as many pages are read as that takes.")] = 20,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """List orders, the newest first."""

    async def act(api: "Api", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.orders.listing import print_list

        await print_list(api, status=status, customer=customer, limit=limit, as_json=as_json)
        return 0

    ask_api(act, api_url)


@app.command()
def show(
    order: Order,
    *,
    history: Annotated[bool, typer.Option("--history", help="Every attempt of every step and undo, too.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Show an order: its steps, what was undone, what happened, and where Temporal shows it."""

    async def act(api: "Api", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.orders.showing import print_order

        await print_order(api, order, with_history=history, as_json=as_json)
        return 0

    ask_api(act, api_url)


@app.command()
def cancel(order: Order, *, reason: Reason, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Cancel an order: nothing of it takes effect any more, and what did is undone."""
    _control(order, "cancel", {"reason": reason}, as_json=as_json, api_url=api_url)


@app.command()
def retry(order: Order, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Place a failed or cancelled order again, as a new order."""
    _control(order, "retry", None, as_json=as_json, api_url=api_url)


@app.command()
def pause(order: Order, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Hold an order before its next step."""
    _control(order, "pause", None, as_json=as_json, api_url=api_url)


@app.command()
def resume(order: Order, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Let a paused order go on."""
    _control(order, "resume", None, as_json=as_json, api_url=api_url)


@app.command()
def retry_compensation(order: Order, undo: Undo, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Try an undo again that failed for good, once its cause is out of the way."""
    _control(order, ("compensations", undo, "retry"), None, as_json=as_json, api_url=api_url)


@app.command()
def write_off(
    order: Order,
    undo: Undo,
    *,
    reason: Reason,
    by: Annotated[str | None, typer.Option(help="Who decides so; without, whoever is logged in.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Give up an undo that can never succeed, so that the order can end; the audit counts what is lost."""
    from getpass import getuser

    decision = {"reason": reason, "by": by or getuser()}
    _control(order, ("compensations", undo, "write-off"), decision, as_json=as_json, api_url=api_url)


@app.command()
def watch(
    order: Annotated[str | None, typer.Argument(help="The order; without, all of them.", metavar="[ORDER]")] = None,
    *,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Follow an order to its end, with exit code 1 unless it completes; or all orders, until Ctrl-C.

    With --json an order is printed when it has ended; of all of them, the newest 200, each in a line whenever it moves.
    """

    async def act(api: "Api", stop: "Stop") -> int:
        from flowforge.cli.orders.watching import print_moves, watch_all, watch_order

        if order is None:
            await (print_moves if as_json else watch_all)(api, stop)
            return 0
        return await stop.or_done(watch_order(api, order, as_json=as_json))

    ask_api(act, api_url)


@app.command()
def stats(*, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Count orders, tell how fast they come and end, which is open longest, and what waits for a worker."""

    async def act(api: "Api", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.orders.counting import print_stats

        await print_stats(api, as_json=as_json)
        return 0

    ask_api(act, api_url)


def _control(order: str, what: str | tuple[str, ...], body: Any, *, as_json: bool, api_url: str | None) -> None:
    async def act(api: "Api", stop: "Stop") -> int:  # noqa: ARG001 -- a request that was sent is waited for
        from flowforge.cli.orders.deciding import decide

        await decide(api, order, (what,) if isinstance(what, str) else what, body, as_json=as_json)
        return 0

    ask_api(act, api_url)
