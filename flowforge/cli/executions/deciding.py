"""`executions cancel`, `pause`, `resume` and so on: one request, and what became of it."""

from collections.abc import Awaitable, Callable

import typer

from flowforge.cli.orders.look import plain, print_json
from flowforge.client import FlowForge
from flowforge.remote.answers import Answer

Decision = Callable[[FlowForge], Awaitable[Answer]]
"""What is asked for."""


async def decide(flowforge: FlowForge, decision: Decision, told: str, *, as_json: bool) -> None:
    """Ask for something to be done to a run, and print what became of it.

    Args:
        flowforge: where to ask.
        decision: what is asked for.
        told: how that is told, with the names of the answer in braces.
        as_json: whether the answer is printed as it is.
    """
    answer = await decision(flowforge)
    if as_json:
        print_json(answer.as_json())
        return
    typer.echo(plain(told.format(**answer.model_dump())))
