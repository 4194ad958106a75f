"""How an action or an undo may end: for the run, and for the world. The two need not agree."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple, get_args

from flowforge.engine.core.events import Event, Settled, Suspended, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, OutcomeKind, StepError, Wait
from flowforge.engine.core.waits import OnTimeout
from flowforge.engine.definition.step import Step
from flowforge.engine.proof import happenings as told
from flowforge.engine.proof.effects import StepEffect
from flowforge.engine.proof.happenings import Happening, of_step, of_undo
from flowforge.engine.proof.world import World

_SOME_TIME: Final = timedelta(hours=1)  # searches let time come whenever it may
_LIMITS: Final = ("duration", "until", "timeout")


class Answer(NamedTuple):
    """One way for something to end, or to go wrong on its way to an end.

    Attributes:
        happening: what is told of it.
        event: what the run learns; None where it learns nothing.
        world: the world afterwards.
        faults: how many faults it takes.
    """

    happening: Happening
    event: Event | None
    world: World
    faults: int = 0


def error_of(kind: str) -> StepError:
    """Return an error that says no more than how something ended."""
    return StepError(code=kind, message=kind)


def ended(key: Key, kind: OutcomeKind, result: Any = None) -> Settled:
    """Return what a run learns of an end."""
    return Settled(key, Outcome(kind=kind, result=result, error=None if kind == "succeeded" else error_of(kind)))


def action_answers(
    key: Key, step: Step, effect: StepEffect, world: World, result: Any, *, cancelling: bool
) -> Iterator[Answer]:
    """Yield every way in which a step's action may end."""
    if cancelling:
        yield from _cancelled_answers(key, effect, world)
        return
    match effect.nature:
        case "decides":
            for value in (True, False) if result is None else (bool(result),):
                what = told.TRUE if value else told.FALSE
                yield Answer(of_step(key, what), ended(key, "succeeded", value), world)
        case "delays" | "waits":
            yield Answer(of_step(key, told.WAITS), Suspended(key, wait_of_step(step)), world)
            return
        case "refuses":
            yield Answer(of_step(key, told.REFUSED), ended(key, "refused"), world)
            return
        case _:
            after = landed(key, effect, world, kept=True)
            yield Answer(of_step(key, told.SUCCEEDS), ended(key, "succeeded", result), after)
            if effect.waits != "never":
                ends = effect.waits == "in time" or step.timeout is not None
                wait = Wait(event=str(key), timeout=_SOME_TIME if ends else None)
                yield Answer(of_step(key, told.WAITS), Suspended(key, wait), after)
    if effect.has_effect:
        yield from _bad_ends(key, effect, world)
    elif effect.can_fail:
        yield Answer(of_step(key, told.FAILS), ended(key, "failed"), world, 1)


def landed(key: Key, effect: StepEffect, world: World, *, kept: bool) -> World:
    """Return the world after a step's action did what it does."""
    if effect.undoes is not None:
        return world.undone_by_step(effect.undoes, by=key.step, fenced=effect.fenced)
    if not effect.has_effect:
        return world
    return world.answered(key) if kept else world.happened(key)


def delayed(key: Key, effect: StepEffect, world: World) -> World:
    """Return the world after an attempt of a step was given up that may take effect later."""
    return world.delayed(key) if effect.undoes is None else world


def _cancelled_answers(key: Key, effect: StepEffect, world: World) -> Iterator[Answer]:
    """Yield how an action ends that is told to stop.

    It is taken to have had its effect: what is undone is undone whether it was there or not, and what is not undone
    is there at the worst.
    """
    there = landed(key, effect, world, kept=False)
    what = told.CANCELLED if there == world else told.CANCELLED_AFTER
    yield Answer(of_step(key, what), ended(key, "cancelled"), there)
    late = delayed(key, effect, world)
    if effect.has_effect and late != world:
        yield Answer(of_step(key, told.TIMES_OUT), ended(key, "timed_out"), late, 1)


def _bad_ends(key: Key, effect: StepEffect, world: World) -> Iterator[Answer]:
    there = landed(key, effect, world, kept=False)
    late = delayed(key, effect, world)
    if world.effect(key) in {"absent", "late"}:
        yield Answer(of_step(key, told.REFUSED), ended(key, "refused"), world, 1)
    yield Answer(of_step(key, told.FAILS_BEFORE), ended(key, "failed"), world, 1)
    if there != world:
        yield Answer(of_step(key, told.FAILS_AFTER), ended(key, "failed"), there, 1)
        yield Answer(of_step(key, told.LOST_AFTER), None, there, 1)
    if late != world:
        yield Answer(of_step(key, told.TIMES_OUT), ended(key, "timed_out"), late, 1)
        yield Answer(of_step(key, told.LOST_LATE), None, late, 1)


def undo_answers(key: Key, effect: StepEffect, world: World, *, answered: bool) -> Iterator[Answer]:
    """Yield every way in which a step's undo may end."""
    if effect.undo_needs_result and not answered:
        yield Answer(of_undo(key, told.NEEDS_RESULT), _undo_failed(key), world)
        return
    if effect.undoing == "is refused":
        yield Answer(of_undo(key, told.REFUSED), _undo_failed(key), world)
        return
    undone, late, what = world, world, told.CHANGES_NOTHING
    if effect.undoing == "takes back":
        undone, late, what = world.undone(key, fenced=effect.fenced), world.undo_delayed(key), told.SUCCEEDS
    yield Answer(of_undo(key, what), UndoSettled(key=key, status="done"), undone)
    yield Answer(of_undo(key, told.REFUSED), _undo_failed(key), world, 1)
    if effect.undo_is_limited:
        yield Answer(of_undo(key, told.FAILS_BEFORE), _undo_failed(key), world, 1)
        if undone != world:
            yield Answer(of_undo(key, told.FAILS_AFTER), _undo_failed(key), undone, 1)
        if late != world:
            yield Answer(of_undo(key, told.TIMES_OUT), _undo_failed(key), late, 1)
        return
    if undone != world:
        yield Answer(of_undo(key, told.LOST_AFTER), None, undone, 1)
    if late != world:
        yield Answer(of_undo(key, told.LOST_LATE), None, late, 1)


def _undo_failed(key: Key) -> UndoSettled:
    return UndoSettled(key=key, status="failed", error=error_of("failed"))


def wait_of_step(step: Step) -> Wait:
    """Return what a `delay` or a `wait` waits for, as far as it is known before it runs."""
    params = step.params if isinstance(step.params, dict) else {}
    event = params.get("event") if step.action == "wait" else None
    ends = event is None or step.timeout is not None or any(params.get(name) is not None for name in _LIMITS)
    has_own = any(params.get(name) is not None for name in _LIMITS)
    wished: Any = params.get("onTimeout") if has_own else None
    on_timeout: OnTimeout = wished if wished in get_args(OnTimeout) else "fail"
    return Wait(event=event, timeout=_SOME_TIME if ends else None, on_timeout=on_timeout)
