"""The demo from its start to its end: a process as `all` is, two orders over HTTP, and what to try next."""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from rich.console import Console

from flowforge.cli import demo_runs
from flowforge.cli.demo_orders import DemoClient, DemoOrder
from flowforge.cli.demo_runs import ShownRun
from flowforge.cli.demo_saga import ShownSaga
from flowforge.cli.demo_view import show
from flowforge.cli.stopping import Stop
from flowforge.cli.together import Together, bring_together
from flowforge.errors import StartupError
from flowforge.observability.logging import configure
from flowforge.settings import Settings
from flowforge.temporal.folder import create

_HOST: Final = "127.0.0.1"

EGRESS: Final = "localhost,127.0.0.1,::1"
"""What definitions may reach in a demo besides public addresses: this machine, where everything is that they call."""


@dataclass(frozen=True, slots=True)
class Names:
    """What was run, by the names under which it is found."""

    orders: list[str]
    runs: list[str]


async def perform(settings: Settings, stop: Stop, *, port: int, temporal_port: int, ui_port: int, once: bool) -> int:
    """Run the demo; return the exit code.

    Raises:
        StartupError: something is missing or taken; one line.
        StoppedError: the stop was asked for before everything ran.
    """
    egress = settings.egress_allow or EGRESS
    settings = settings.model_copy(update={"fault_injection": True, "egress_allow": egress})
    console = Console(highlight=False, soft_wrap=True)
    create(settings.data_dir)
    log_path = settings.data_dir / "demo.log"
    async with contextlib.AsyncExitStack() as stack:
        # A log line on the terminal would tear the live view.
        configure(settings.log_format, to=stack.enter_context(_open_log(log_path)))
        bringing = bring_together(settings, stop, host=_HOST, port=port, temporal_port=temporal_port, ui_port=ui_port)
        together = await stack.enter_async_context(bringing)
        serving = asyncio.Event()
        running = asyncio.create_task(together.run(stop, serving.set))
        showing = asyncio.create_task(_show_orders(console, together, serving))
        try:
            await asyncio.wait({running, showing}, return_when=asyncio.FIRST_COMPLETED)
            if not showing.done():
                return 1 if once else 0
            names, are_as_they_should = showing.result()
            if not are_as_they_should:
                console.print(f"an order did not end as it should; see {log_path}", style="bold red")
            if not once:
                _tell_what_next(console, together, names)
                await asyncio.wait({running})
                console.print("stopping")
            return 0 if are_as_they_should else 1
        finally:
            stop.ask()
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            await running


async def _show_orders(console: Console, together: Together, serving: asyncio.Event) -> tuple[Names, bool]:
    """Place both orders and show them to their ends, then both as data; tell whether all were as they should be."""
    await serving.wait()
    token = secrets.token_hex(3)
    orders = [
        DemoOrder(title="Good order", workflow_id=f"demo-good-{token}", fail_at=None, should="completed"),
        DemoOrder(
            title="Failing order",
            workflow_id=f"demo-failing-{token}",
            fail_at="warehouse",
            should="failed",
        ),
    ]
    async with DemoClient(together.api_url) as client:
        await client.restock()
        for order in orders:
            await client.place(order)
        sagas = [ShownSaga(order.title) for order in orders]
        await show(console, [(saga, client.follow(order, saga)) for order, saga in zip(orders, sagas, strict=True)])
        runs = await _show_runs(console, client)
    names = Names([order.workflow_id for order in orders], [run.execution_id for run in runs])
    return names, all(saga.is_as_it_should for saga in sagas) and all(run.is_as_it_should for run in runs)


async def _show_runs(console: Console, client: DemoClient) -> list[ShownRun]:
    """Run a definition well and failing, and show both to their ends."""
    console.print(f"\nAn order as data: [bold]{demo_runs.DEFINITION}[/], a list of steps and of their undos.")
    runs = [
        ShownRun(title="Good run", should="completed"),
        ShownRun(title="Failing run", should="compensated", fail_at="CreateShipment"),
    ]
    for run in runs:
        await demo_runs.start(client, run)
    await show(console, [(run, demo_runs.follow(client, run)) for run in runs])
    return runs


def _tell_what_next(console: Console, together: Together, shown: Names) -> None:
    api, namespace, names = together.api_url, together.temporal.target.namespace, shown.orders
    console.print("\n[bold]See both[/] orders over HTTP, and in Temporal's UI; the API can be tried at /docs:")
    console.print(*(f"  {api}/orders/{name}" for name in names), sep="\n")
    console.print(*(f"  {together.ui_url}/namespaces/{namespace}/workflows/{name}" for name in names), sep="\n")
    console.print(f"  {api}/docs")
    console.print("\n[bold]Try[/] a card that is declined, an order's events, and everything there is:")
    console.print(
        f"  curl -s {api}/orders -H 'Content-Type: application/json' \\",
        '    -H \'Prefer: wait=10\' -d \'{"product_id": "SKU-002", "quantity": 1,',
        '    "customer_id": "you", "payment_method": "tok_chargeDeclined"}\'',
        f"  curl -sN {api}/orders/{names[1]}/events",
        f"  curl -s {api}/engine/snapshot",
        sep="\n",
        markup=False,
    )
    console.print("\n[bold]As data[/]: the definition, and its failing run as a picture and in Temporal's UI:")
    console.print(
        f"  curl -s {api}/workflows/{demo_runs.DEFINITION}",
        f"  curl -s '{api}/executions/{shown.runs[1]}/visualize?format=mermaid'",
        f"  {together.ui_url}/namespaces/{namespace}/workflows/{shown.runs[1]}",
        sep="\n",
        markup=False,
    )
    console.print(
        f"Definitions may call this machine here (EGRESS_ALLOW={together.settings.egress_allow});",
        "elsewhere public addresses only, unless you say so.",
        sep="\n",
        markup=False,
    )
    console.print("\n[bold]Next[/], a process of your own in five minutes: docs/engine.md. Ctrl-C ends this.")


def _open_log(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{path} cannot be written ({error.strerror}); see FLOWFORGE_DATA_DIR") from None
