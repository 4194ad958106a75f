"""The commands of `executions` and their options; what they do is in the modules beside this one."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowforge.cli.asking import ApiUrl, AsJson, ask

if TYPE_CHECKING:
    from flowforge.cli.executions.deciding import Decision
    from flowforge.cli.stopping import Stop
    from flowforge.client import FlowForge

app = typer.Typer(help="See runs of definitions, and decide on them, over the API.", no_args_is_help=True)

Execution = Annotated[str, typer.Argument(help="The run, by its executionId.", metavar="EXECUTION")]
StepName = Annotated[str, typer.Argument(help="The step, as `executions show` names it.", metavar="STEP")]
Reason = Annotated[str, typer.Option(help="Why, in one line; it is kept with the run.")]
Data = Annotated[str | None, typer.Option(help="What it brings, as JSON.", metavar="JSON")]
BulkAction = Literal["pause", "resume", "cancel", "retry", "replay"]
Status = Literal[
    "pending",
    "running",
    "waiting",
    "paused",
    "compensating",
    "completed",
    "failed",
    "compensated",
    "cancelled",
    "needs_attention",
]
OfStatus = Annotated[Status | None, typer.Option(help="Only runs that are in this state.")]
OfWorkflow = Annotated[str | None, typer.Option(help="Only runs of this definition.")]
WithLabel = Annotated[str | None, typer.Option(help="Only runs with this label.", metavar="NAME:TEXT")]
Since = Annotated[
    datetime | None, typer.Option(help="Only runs that were started then or later; UTC where no zone is named.")
]


@app.callback()
def _executions() -> None:
    """See runs of definitions, and decide on them, over the API."""


@app.command("list")
def list_executions(
    *,
    status: OfStatus = None,
    workflow: OfWorkflow = None,
    label: WithLabel = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most; as many pages are read as that takes.")] = 20,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """List runs, the newest first."""
    from flowforge.cli.executions.asked import label_of, moment_of

    filters = {"status": status, "workflow_id": workflow, "metadata": label_of(label), "since": moment_of(since)}

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.executions.listing import print_list

        await print_list(flowforge, limit=limit, as_json=as_json, **filters)
        return 0

    ask(act, api_url)


@app.command()
def show(execution: Execution, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Show a run: its steps and what came of them, what was undone, what it waits for, and where Temporal shows it."""

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.executions.showing import print_run

        await print_run(flowforge, execution, as_json=as_json)
        return 0

    ask(act, api_url)


@app.command()
def history(execution: Execution, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """List everything that happened to a run, the oldest first."""

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001
        from flowforge.cli.executions.showing import print_history

        await print_history(flowforge, execution, as_json=as_json)
        return 0

    ask(act, api_url)


@app.command()
def watch(execution: Execution, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Follow a run to its end, or until it waits for an operator.

    Exit code 0 if it completes, 3 if it fails, 4 if it is undone, 5 if it is cancelled, 6 if it needs attention. With
    --json it is printed then, and nothing before.
    """

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:
        from flowforge.cli.executions.watching import watch_run

        return await stop.or_done(watch_run(flowforge, execution, as_json=as_json))

    ask(act, api_url)


@app.command()
def cancel(
    execution: Execution,
    *,
    reason: Reason,
    by: Annotated[str | None, typer.Option(help="Who asks for it; it is kept, too.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Call a run off: no further action starts, and what was done is undone."""
    told = "{execution_id} is being cancelled: {reason}"
    _decide(lambda asked: asked.cancel(execution, reason=reason, source=by), told, as_json=as_json, api_url=api_url)


@app.command()
def pause(execution: Execution, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Let no further action of a run start."""
    _decide(lambda asked: asked.pause(execution), "{execution_id} is {status}", as_json=as_json, api_url=api_url)


@app.command()
def resume(execution: Execution, *, data: Data = None, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Let a paused run go on; in any other one, wake what waits first, with --data as its result."""
    from flowforge.cli.executions.asked import data_of

    brought = data_of(data)
    told = "{execution_id} is {status}"
    _decide(lambda asked: asked.resume(execution, brought), told, as_json=as_json, api_url=api_url)


@app.command()
def signal(
    execution: Execution,
    name: Annotated[str, typer.Argument(help="The event's name.", metavar="EVENT")],
    *,
    data: Data = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Bring an event to the step that waits for it, or to the first one that will."""
    from flowforge.cli.executions.asked import data_of

    brought = data_of(data)
    told = "{execution_id} is {status}"
    _decide(lambda asked: asked.signal(execution, name, brought), told, as_json=as_json, api_url=api_url)


@app.command()
def retry(
    execution: Execution,
    *,
    from_step: Annotated[str | None, typer.Option(help="From where; without, what failed alone.")] = None,
    context: Annotated[
        str | None, typer.Option(help="Results and input keys to edit first: a file, or JSON.", metavar="FILE|JSON")
    ] = None,
    revision: Annotated[int | None, typer.Option(min=1, help="The revision to go on with; without, its own.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Have a run begin again that failed or was called off, perhaps with an edit."""
    from flowforge.cli.executions.asked import object_of

    edited = object_of(context, "--context")
    told = "{execution_id} is tried again"
    _decide(
        lambda asked: asked.retry(execution, from_step=from_step, context=edited or None, revision=revision),
        told,
        as_json=as_json,
        api_url=api_url,
    )


@app.command()
def replay(
    execution: Execution,
    *,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key again gives the same new run.")
    ] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Start a new run with the input and the revision of one, whatever became of that."""
    told = "started {execution_id}"
    _decide(lambda asked: asked.replay(execution, idempotency_key=key), told, as_json=as_json, api_url=api_url)


@app.command()
def bulk(
    action: Annotated[BulkAction, typer.Argument(help="What to do to each.", metavar="ACTION")],
    executions: Annotated[
        list[str] | None,
        typer.Argument(help="These runs; without, those that the options choose.", metavar="EXECUTION"),
    ] = None,
    *,
    status: OfStatus = None,
    workflow: OfWorkflow = None,
    label: WithLabel = None,
    since: Since = None,
    reason: Annotated[str, typer.Option(help="Why, for a cancellation; it is kept with each run.")] = "cancelled",
    limit: Annotated[int, typer.Option(min=1, help="To how many at most, the newest first.")] = 100,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Pause, resume, cancel, retry or replay many runs; each answers for itself.

    Exit code 0 if every run took it, 1 if one did not.
    """
    from flowforge.cli.executions.asked import label_of, moment_of

    chosen = {"status": status, "workflow_id": workflow, "metadata": label_of(label), "since": moment_of(since)}

    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001 -- a request that was sent is waited for
        from flowforge.cli.executions.acting import act_on_runs

        wishes = {**chosen, "ids": executions or None, "reason": reason, "limit": limit}
        return await act_on_runs(flowforge, action, as_json=as_json, **wishes)

    ask(act, api_url)


@app.command()
def compensate(execution: Execution, *, as_json: AsJson = False, api_url: ApiUrl = None) -> None:
    """Have a run undone that is held open after a failure."""
    told = "{execution_id} is being undone"
    _decide(lambda asked: asked.compensate(execution), told, as_json=as_json, api_url=api_url)


@app.command()
def retry_compensation(
    execution: Execution, step: StepName, *, as_json: AsJson = False, api_url: ApiUrl = None
) -> None:
    """Try a step's undos again that failed for good, once their cause is out of the way."""
    told = f"{{execution_id}}: the undo of {_literal(step)} is tried again"
    _decide(lambda asked: asked.retry_compensation(execution, step), told, as_json=as_json, api_url=api_url)


@app.command()
def write_off(
    execution: Execution,
    step: StepName,
    *,
    reason: Reason,
    by: Annotated[str | None, typer.Option(help="Who decides so; without, whoever is logged in.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = None,
) -> None:
    """Give up a step's undos that can never succeed, so that the run can end."""
    from getpass import getuser

    who = by or getuser()
    told = f"{{execution_id}}: the undo of {_literal(step)} is written off"
    _decide(
        lambda asked: asked.write_off(execution, step, by=who, reason=reason), told, as_json=as_json, api_url=api_url
    )


def _decide(decision: "Decision", told: str, *, as_json: bool, api_url: str | None) -> None:
    async def act(flowforge: "FlowForge", stop: "Stop") -> int:  # noqa: ARG001 -- a request that was sent is waited for
        from flowforge.cli.executions.deciding import decide

        await decide(flowforge, decision, told, as_json=as_json)
        return 0

    ask(act, api_url)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
