"""What commands over a running FlowForge have in common: finding it, asking it, and telling what it refuses."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, as the API has it, and nothing else.")]
ApiUrl = Annotated[str | None, typer.Option(help="Where the API is; without, FLOWFORGE_API_URL.", metavar="URL")]

Act = Callable[["FlowForge", "Stop"], Awaitable[int]]
"""What a command does: it gets the client and the wish to stop, and returns the exit code."""


def ask(act: Act, api_url: str | None) -> NoReturn:
    """Run a command against the API, and leave the process with its exit code.

    What the API refuses is printed in one line; where it says what is wrong with the input, each of it in one, too.
    """
    from flowforge.cli.lifecycle import run
    from flowforge.cli.orders.look import plain
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge
    from flowforge.remote.problems import ApiInvalid
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        async with FlowForge(api_url or settings.api_url, hint="see --api-url") as flowforge:
            try:
                return await act(flowforge, stop)
            except ApiInvalid as refused:
                if len(refused.findings) < 2:
                    raise
                for finding in refused.findings:
                    place = "" if not finding.pointer else f"{finding.pointer}: "
                    print(plain(f"flowforge: {place}{finding.detail}"), file=sys.stderr)
                return 1
            except typer.Exit as ended:  # it has said why
                return ended.exit_code

    run(main, talks_to_temporal=False, code_when_stopped=1)
