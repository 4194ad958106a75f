"""`executions watch`: one run by its events."""

from contextlib import aclosing

from rich.console import Console
from rich.text import Text

from flowforge.cli.executions.listing import started_at
from flowforge.cli.executions.look import END_CODES, reason, status_text
from flowforge.cli.executions.showing import print_run_event, print_what_to_do
from flowforge.cli.orders.look import console, plain, print_json
from flowforge.client import FlowForge
from flowforge.remote.answers import Execution


async def watch_run(flowforge: FlowForge, execution_id: str, *, as_json: bool) -> int:
    """Follow a run to its end, or until it waits for an operator; return the exit code that tells of it."""
    screen = console()
    run = await _followed(flowforge, await flowforge.status(execution_id), None if as_json else screen)
    if as_json:
        print_json(run.as_json())
        return END_CODES[run.status]
    why = "" if run.error is None else f": {reason(run)}"
    screen.print(Text.assemble(status_text(run.status), why), soft_wrap=True)
    print_what_to_do(screen, run)
    return END_CODES[run.status]


async def _followed(flowforge: FlowForge, run: Execution, screen: Console | None) -> Execution:
    """Print what happens, where there is a screen; return the run as it is then."""
    if screen is not None:
        screen.print(Text.assemble((run.execution_id, "bold"), f"  {plain(run.temporal_url)}"), soft_wrap=True)
    began: str | None = None
    async with aclosing(flowforge.events(run.execution_id)) as events:
        async for event in events:
            # A run without a row has only Temporal's word for its start, by Temporal's clock.
            began = began or min(started_at(run), event.timestamp.isoformat(timespec="milliseconds"))
            if screen is not None:
                print_run_event(screen, event, began=began)
            if event.step_id is None and event.status == "needs_attention":
                found = await flowforge.status(run.execution_id)
                if found.status == "needs_attention":  # and nobody has decided since
                    return found
    return await flowforge.wait(run.execution_id)
