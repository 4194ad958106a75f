"""A run as it tells of itself: to a query, in Temporal's UI, and in words that every database takes."""

from typing import Final

from flowforge.engine.contracts import RunRequest, RunState
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.views import progress, run_status

_UNREADABLE: Final = {ord("\0"): "\ufffd"}


def run_state(request: RunRequest, plan: Plan, state: State) -> RunState:
    """Return a run as it knows itself."""
    found = progress(plan, state)
    return RunState(
        execution_id=request.execution_id,
        workflow_id=request.workflow_id,
        revision=request.revision,
        status=run_status(state),
        current_steps=found.current,
        completed_steps=found.completed,
        failed_steps=found.failed,
        skipped_steps=found.skipped,
        failure_code=None if state.failure is None else state.failure.error.code,
        failure_reason=None if state.failure is None else plain(state.failure.error.message),
    )


def details(request: RunRequest, plan: Plan, state: State) -> str:
    """Return what Temporal's UI shows of a run: Markdown, a few lines however large it is."""
    found = progress(plan, state)
    # Not after every turn: there may be many undos.
    undos = reversed(state.undos) if state.is_over else ()
    undone = tuple(dict.fromkeys(entry.key.step for entry in undos if entry.status == "done"))
    lines = [f"**{run_status(state)}**: {plan.definition.title}, revision {request.revision}", ""]
    groups = (("now", found.current), ("done", found.completed), ("failed", found.failed), ("undone", undone))
    for name, steps in groups:
        if steps:
            more = f" and {len(steps) - 10} more" if len(steps) > 10 else ""
            lines.append(f"- {name}: {', '.join(steps[-10:])}{more}")
    if state.failure is not None:
        lines.append(f"- because: {plain(state.failure.error.message)[:500]}")
    return "\n".join(lines)


def plain(text: str) -> str:
    """Return text as every database takes it."""
    return text.translate(_UNREADABLE)[:10_000].encode(errors="replace").decode()
