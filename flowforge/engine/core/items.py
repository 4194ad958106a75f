"""A step that runs once for each of several items: a cursor over them, a few at a time."""

from dataclasses import replace

from flowforge.engine.core.events import ItemList
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, Outcome, OutcomeKind
from flowforge.engine.core.state import FailedItem, Items, StepState, StepStatus
from flowforge.engine.core.stored import gathered
from flowforge.engine.core.turn import Turn
from flowforge.engine.core.unwinding import fail
from flowforge.engine.core.ways import CANCELLED, is_fatal, keep, step_ended


def items_known(turn: Turn, key: Key, listed: ItemList) -> None:
    """Begin with the first items."""
    items = Items(count=listed.count, value=listed.value, visit=key.visit, results=(None,) * listed.count)
    turn.steps[key.step] = replace(turn.steps[key.step], items=items)
    pump(turn, key.step)


def pump(turn: Turn, step: str) -> None:
    """Start as many items as may be under way at once; end the step where there is none left."""
    state = turn.steps[step]
    each = turn.plan.steps[step].definition.for_each
    if state.items is None or each is None:
        return
    items = state.items
    under_way = len(turn.children(step))
    halted = bool(items.failed) and turn.plan.steps[step].definition.on_error != "continue"
    starting: list[Key] = []
    while not halted and under_way < each.concurrency and (items.again or items.next < items.count):
        if items.again:
            starting.append(items.again[0])
            items = replace(items, again=items.again[1:])
        else:
            starting.append(Key(step, state.visit, items.next))
            items = replace(items, next=items.next + 1)
        under_way += 1
    turn.steps[step] = replace(state, items=items)
    for key in starting:
        turn.launch(key)
    if under_way == 0:
        _all_ended(turn, Key(step, state.visit), items)


def item_ended(turn: Turn, key: Key, outcome: Outcome) -> None:
    """Note how an item ended, and go on with the next one."""
    state = turn.steps[key.step]
    if state.items is None or key.item is None:
        return
    items, at = state.items, key.item
    if outcome.kind == "succeeded":
        items = replace(items, results=(*items.results[:at], outcome.result, *items.results[at + 1 :]))
    else:
        failed = FailedItem(item=at, visit=key.visit, kind=outcome.kind)
        items = replace(items, failed=(*items.failed, failed), error=items.error or outcome.error)
    turn.steps[key.step] = replace(state, items=items)
    step = turn.plan.steps[key.step].definition
    goes_on = turn.phase in {"forward", "held"}
    if outcome.kind != "succeeded" and goes_on and is_fatal(step):
        error = outcome.error or CANCELLED
        turn.steps[key.step] = replace(
            turn.steps[key.step], status="failed", way="shut", kind=outcome.kind, error=error
        )
        fail(turn, Failure(kind="failed", error=error, step=step.id))
    elif goes_on:
        pump(turn, key.step)
    elif not turn.children(key.step):
        _stopped(turn, key.step, items)


def _all_ended(turn: Turn, key: Key, items: Items) -> None:
    if not items.failed:
        step_ended(turn, key, Outcome(kind="succeeded", result=gathered(items.results)))
        return
    kind = items.failed[0].kind
    step_ended(turn, key, Outcome(kind=kind, result=gathered(items.results), error=items.error))


def _stopped(turn: Turn, step: str, items: Items) -> None:
    """Note what became of the step of which the last item in flight has settled after the run was stopped."""
    state: StepState = turn.steps[step]
    if state.status != "active":
        return
    if items.failed:
        worst: OutcomeKind = next((one.kind for one in items.failed if one.kind != "cancelled"), "cancelled")
        status: StepStatus = "cancelled" if worst == "cancelled" else "failed"
        turn.steps[step] = replace(state, status=status, way="shut", kind=worst, error=items.error)
    elif items.next == items.count and not items.again:
        keep(turn, turn.plan.steps[step].definition, gathered(items.results))
        turn.steps[step] = replace(state, status="succeeded", way="open", kind="succeeded")
