"""The interpreter: a pure function from a plan, a state and an event to the next state and what its shell has to do.

It reads no clock, draws no numbers and does nothing. A shell carries its commands out, whatever it is made of (a
workflow, a test with a virtual clock, a search through everything that can happen) and tells it what came of them:

    state, commands = advance(plan, State(), Begin())

Every command but `Finish`, `StopTimer` and `Cancel` has one answer. Answers that nothing waits for change nothing.
"""

from flowforge.engine.core import controls, forward, retrying, unwinding
from flowforge.engine.core.commands import Command
from flowforge.engine.core.events import (
    Abandoned,
    Begin,
    CancelRequested,
    Compensate,
    DeadlinePassed,
    Decided,
    Event,
    EventArrived,
    Overruled,
    PauseRequested,
    Resumed,
    Retry,
    Settled,
    Suspended,
    TimerFired,
    UndoDelayed,
    UndoRetried,
    UndoSettled,
    UndoWrittenOff,
)
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.turn import Turn


def advance(plan: Plan, state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
    """Return the state after an event, and what is to be done about it, in this order.

    Args:
        plan: what is walked; the same one for the whole run, unless an operator goes on with a newer revision.
        state: what the run was.
        event: what happened.
    """
    turn = Turn(plan, state)
    if not _way_forward(turn, event) and not _way_back(turn, event):
        _control(turn, state, event)
    forward.drain(turn)
    if turn.phase == "stopping" and not turn.tasks:
        unwinding.close_steps(turn)
        unwinding.begin_undo(turn)
    return turn.state(), tuple(turn.commands)


def _way_forward(turn: Turn, event: Event) -> bool:
    match event:
        case Settled(key, outcome):
            forward.settled(turn, key, outcome)
        case Decided():
            forward.decided(turn, event)
        case Suspended():
            forward.suspended(turn, event)
        case TimerFired(key):
            forward.timer_fired(turn, key)
        case EventArrived():
            forward.event_arrived(turn, event)
        case Begin():
            forward.begin(turn)
        case _:
            return False
    return True


def _way_back(turn: Turn, event: Event) -> bool:
    match event:
        case UndoSettled():
            unwinding.undo_settled(turn, event)
        case UndoDelayed(key):
            unwinding.undo_delayed(turn, key)
        case UndoRetried(step):
            unwinding.retry_undos(turn, step)
        case UndoWrittenOff(step=step, by=by, reason=reason):
            unwinding.write_off(turn, step, f"{by}: {reason}")
        case Abandoned(cancelled=reason):
            unwinding.abandon(turn, reason)
        case _:
            return False
    return True


def _control(turn: Turn, state: State, event: Event) -> None:
    match event:
        case PauseRequested():
            controls.pause(turn)
        case Resumed():
            controls.resume(turn, event)
        case CancelRequested(reason=reason):
            controls.cancel(turn, reason)
        case Overruled(reason):
            controls.overrule(turn, reason)
        case DeadlinePassed():
            controls.expire(turn)
        case Compensate():
            controls.compensate(turn)
        case Retry():
            retrying.retry(turn, state, event)
