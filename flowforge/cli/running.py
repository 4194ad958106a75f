"""`run`: a definition from its file to a run's end."""

from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.asking import ApiUrl, AsJson, ask

if TYPE_CHECKING:
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge


def run_definition(
    source: Annotated[
        str, typer.Argument(help="The definition's file, or the id of one that is published.", metavar="FILE|ID")
    ],
    *,
    given: Annotated[
        str | None, typer.Option("--input", help="The run's input: a file, or JSON.", metavar="FILE|JSON")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key and input again watch the same run.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings about the definition count as errors.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Publish a definition, start a run of it, and watch that to its end; nothing is published that is there already.

    Exit code 0 if it completes, 3 if it fails, 4 if it is undone, 5 if it is cancelled, 6 if it needs attention. Ctrl-C
    leaves the run going.
    """
    from flowforge.cli.executions.asked import object_of

    value = object_of(given, "--input")

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:
        from flowforge.cli.executions.watching import watch_run
        from flowforge.cli.stopping import StoppedError
        from flowforge.cli.workflows.publishing import publish
        from flowforge.cli.workflows.reading import file_of

        revision: int | None = None
        workflow_id = source
        file = file_of(source)
        if file is not None:
            published = await publish(flowforge, file, strict=strict, quiet=as_json)
            workflow_id, revision = published.id, published.revision
        started = await flowforge.start(workflow_id, value, revision=revision, idempotency_key=key)
        try:
            return await stop.or_done(watch_run(flowforge, started.execution_id, as_json=as_json))
        except StoppedError:
            typer.echo(f"it goes on: main.py executions watch {started.execution_id}", err=True)
            raise

    ask(act, api_url)
