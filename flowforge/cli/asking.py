"""What commands over a running FlowForge have in common: finding it, asking it, and telling what it refuses."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge
    from flowforge.remote.asking import Api

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, as the API has it, and nothing else.")]
ApiUrl = Annotated[str | None, typer.Option(help="Where the API is; without, FLOWFORGE_API_URL.", metavar="URL")]

T = TypeVar("T")

Act = Callable[["FlowForge", "Stop"], Awaitable[int]]
"""What a command does: it gets the client and the wish to stop, and returns the exit code."""

ActOnApi = Callable[["Api", "Stop"], Awaitable[int]]
"""The same, for a command that takes the API's answers as they are."""


def ask(act: Act, api_url: str | None) -> NoReturn:
    """Run a command against the API, and leave the process with its exit code.

    What the API refuses is printed in one line; where it says what is wrong with the input, each of it in one, too.
    """
    from flowforge.client import FlowForge

    _ask(FlowForge, act, api_url)


def ask_api(act: ActOnApi, api_url: str | None) -> NoReturn:
    """Do what `ask` does, without the client."""
    from flowforge.remote.asking import Api

    _ask(Api, act, api_url)


def _ask(
    opened: Callable[..., AbstractAsyncContextManager[T]],
    act: Callable[[T, "Stop"], Awaitable[int]],
    api_url: str | None,
) -> NoReturn:
    from flowforge.cli.lifecycle import run
    from flowforge.cli.orders.look import plain
    from flowforge.cli.stopping import Stop
    from flowforge.remote.problems import ApiInvalid
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        async with opened(api_url or settings.api_url, hint="see --api-url") as api:
            try:
                return await act(api, stop)
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
