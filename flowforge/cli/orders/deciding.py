"""`orders cancel`, `retry`, `pause` and so on: one request, and what became of it."""

from collections.abc import Mapping
from typing import Any, Final

import typer

from flowforge.cli.orders.look import name_of, plain, print_json
from flowforge.remote.asking import Api

_TOLD: Final[Mapping[str, str]] = {
    "cancel": "{name} is being cancelled: {reason}",
    "pause": "{name} is {status}",
    "resume": "{name} is {status}",
    "retry": "placed {name}",
    "compensations/retry": "{name}: {undo} is tried again",
    "compensations/write-off": "{name}: {undo} is written off",
}


async def decide(api: Api, order: str, what: tuple[str, ...], body: Mapping[str, Any] | None, *, as_json: bool) -> None:
    """Ask for something to be done to an order, and print the answer.

    Args:
        api: where to ask.
        order: the order's order_id or workflow_id.
        what: the rest of the address: a word, or `compensations`, the undo and a word.
        body: what goes with it, if anything.
        as_json: whether the answer is printed as it is.
    """
    answer = await api.post("orders", order, *what, body=body)
    if as_json:
        print_json(answer)
        return
    kind = "/".join((what[0], what[-1]) if len(what) > 1 else what)
    facts = {"name": name_of(answer), "reason": answer.get("reason"), "status": answer.get("status")}
    undo = what[1] if len(what) > 1 else ""
    typer.echo(plain(_TOLD[kind].format(**facts, undo=undo)))
