"""What a turn has changed, as the run's row tells it: steps, undos, and an entry of the history for each transition."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import StepError
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State, UndoEntry
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.table import differing
from flowforge.engine.core.views import RunStatus, run_status, step_view
from flowforge.engine.memory import Memory
from flowforge.engine.saving import EventStatus, SaveRun, StepChange, Transition, UndoChange, Waiting
from flowforge.engine.telling import plain

_FORWARD: Final = frozenset({"new", "forward", "held"})
"""Phases in which an undo changes only together with its step."""

_MOST_WAITING: Final = 100
_AGAIN: Final = frozenset({"failed", "compensated", "cancelled", "needs_attention"})
_NOT_ENDED: Final = frozenset({"active", "pending"})
_NOT_STARTED: Final = frozenset({"skipped", "pending"})


class Story:
    """Tells what happens to a run, turn by turn.

    Args:
        request: the accepted run.
        plan: what it walks.
        memory: knows what it takes to undo it from outside.
    """

    def __init__(self, request: RunRequest, plan: Plan, memory: Memory) -> None:
        self._request = request
        self._plan = plan
        self._memory = memory
        self._hooks = {} if plan.definition.webhooks is None else plan.definition.webhooks.by_name
        self._told: dict[str, StepChange] = {}
        self._status: RunStatus = "pending"
        self._positions: dict[Key, int] = {}
        self._events = 0
        self._turns = 0
        self._known = State()
        self._undos_told = False
        self._waiting: tuple[Waiting, ...] = ()
        self._attempts: dict[Key, int] = {}
        self._details: dict[str, Mapping[str, Any]] = {}
        self._wish = request.wish
        self._edits: dict[str, Any] = {}
        self._edited: set[str] = set()
        self._starts_over = False

    def carried(self) -> dict[str, Any]:
        """Return what was told so far, as JSON, for a run that goes on in another one."""
        told = [
            [change.step_id, change.view, change.status, change.visit, change.started_at, change.ended_at]
            for change in self._told.values()
        ]
        return {
            "told": told,
            "status": self._status,
            "events": self._events,
            "turns": self._turns,
            "undosTold": self._undos_told,
            "remembered": self._memory.count,
            "notes": [
                [step, known.visit, self._attempts[Key(step, known.visit)], {}]
                for step, known in self._known.steps.items()
                if Key(step, known.visit) in self._attempts
            ],
            "positions": [[*key, position] for key, position in self._positions.items()],
        }

    def go_on(self, carried: Mapping[str, Any], state: State) -> None:
        """Go on where another run was."""
        for step, view, status, visit, started_at, ended_at in carried["told"]:
            self._told[step] = StepChange(
                step_id=step, view=view, status=status, visit=visit, started_at=started_at, ended_at=ended_at
            )
        self._status = carried["status"]
        self._events, self._turns = carried["events"], carried["turns"]
        self._undos_told = carried["undosTold"]
        self._positions = {Key(*position[:3]): position[3] for position in carried["positions"]}
        for step, visit, attempts, details in carried.get("notes", ()):
            self.note(Key(step, visit), attempts=attempts, details=details)
        if self._request.retry is None or self._request.start == 1:
            self._memory.go_on(carried.get("remembered", 0), state)  # else it was forgotten when the run had ended
        self._known = state

    def overruled(self, status: RunStatus) -> None:
        """Take back the end that was told last, whose number is free again: the row has kept another status."""
        self._events -= 1
        self._status = status

    def edited(self, values: Mapping[str, Any], wish: str | None) -> None:
        """Remember what an operator puts into the run's context with a wish, to be told with the next turn."""
        self._wish = wish
        steps = [step.definition for step in self._plan.steps.values()]
        names = {step.id for step in steps} | {step.output_key for step in steps}
        self._edits |= {name: value for name, value in values.items() if name not in names}
        self._edited |= set(values) & set(self._plan.steps)

    def note(self, key: Key, *, attempts: int, details: Mapping[str, Any]) -> None:
        """Remember what is known of a unit of work besides how it ended."""
        self._attempts[key] = attempts
        visit = Key(key.step, key.visit)
        if key != visit:  # a step of many items was tried as often as all of them
            self._attempts[visit] = self._attempts.get(visit, 0) + attempts
        self._details[key.step] = details

    def turn(self, state: State, *, now: datetime, wakes: Mapping[Key, datetime]) -> SaveRun | None:
        """Return what has changed since the last turn, None where readers would see no difference.

        Args:
            state: where the run is now.
            now: the run's time.
            wakes: when what waits wakes by itself.
        """
        before, self._known = self._known, state
        self._starts_over = before.generation < state.generation
        at = now.isoformat()
        status = run_status(state)
        steps = tuple(self._changed_steps(before, state, at))
        undos = tuple(self._changed_undos(before, state))
        waiting = self._waiting_now(state, wakes)
        remembered = self._memory.turn(state)
        is_new = self._turns == 0
        if not (is_new or steps or undos or remembered or waiting != self._waiting or status != self._status):
            return None
        self._waiting = waiting
        events = tuple(self._entries(state, steps, status, at))
        self._turns += 1
        self._status = status
        edits, self._edits = self._edits, {}
        return SaveRun(
            execution_id=self._request.execution_id,
            run_id="",
            history=0,
            turn=self._turns,
            at=at,
            status=status,
            opening=replace(self._request, definition={}) if is_new else None,
            failure=_failure(state),
            output=None if isinstance(state.output, Stored) else state.output,
            output_stored=state.output if isinstance(state.output, Stored) else None,
            waiting=waiting,
            steps=steps,
            undos=undos,
            events=events,
            is_over=state.is_over,
            remembered=remembered,
            places=self._memory.count,
            undo_places=len(self._positions),
            abandoned=self._request.abandoned,
            revision=self._request.revision,
            start=self._request.start,
            generation=state.generation,
            wish=self._wish,
            edits=edits,
            hooks=self._hooks,
            local_effects=bool(self._request.unseen),
            next_event=self._events + 1,
        )

    def _changed_steps(self, before: State, after: State, at: str) -> Iterator[StepChange]:
        touched = {key.step for key, _ in differing(before.tasks, after.tasks)}
        touched |= {step for step, _ in differing(before.steps, after.steps)}
        if before.undos is not after.undos and after.phase not in _FORWARD:
            pairs = zip_longest(before.undos, after.undos)
            touched |= {
                entry.key.step for pair in pairs if pair[0] is not pair[1] for entry in pair if entry is not None
            }
        touched |= self._edited
        self._edited = set()
        order = self._plan.steps
        for step in sorted(touched & order.keys() & after.steps.keys(), key=lambda step: order[step].index):
            change = self._step(step, after, at)
            if change != self._told.get(step):
                yield change

    def _step(self, step: str, state: State, at: str) -> StepChange:
        found, told = state.steps[step], self._told.get(step)
        has_begun_anew = told is None or told.visit != found.visit or told.started_at is None
        started_at = at if told is None or has_begun_anew else told.started_at
        ended_at = None
        if found.status not in _NOT_ENDED:
            ended_at = at if told is None or has_begun_anew or told.ended_at is None else told.ended_at
        result = state.values.get(step) if found.status == "succeeded" else None
        is_listing = found.items is not None and found.status == "active"
        return StepChange(
            step_id=step,
            view=step_view(state, step),
            status=found.status,
            visit=found.visit,
            # Items are counted once they have ended: a row is not written for each of ten thousand.
            attempts=0 if is_listing else self._attempts.get(Key(step, found.visit), 0),
            started_at=None if found.status in _NOT_STARTED else started_at,
            ended_at=None if found.status in _NOT_STARTED else ended_at,
            result=None if isinstance(result, Stored) else result,
            error=_error(found.error),
            details=self._details.get(step, {}) if found.status != "active" else {},
            stored=result if isinstance(result, Stored) else None,
        )

    def _changed_undos(self, before: State, after: State) -> Iterator[UndoChange]:
        if after.phase in _FORWARD or after.phase in {"stopping", "completed", "failed"}:
            return
        known = before.undos if self._undos_told else ()
        self._undos_told = True
        for old, entry in zip_longest(known, after.undos):  # each keeps its place, and there may be many
            if entry is not None and old is not entry:
                yield self._undo(entry)

    def _undo(self, entry: UndoEntry) -> UndoChange:
        compensation = self._plan.steps[entry.key.step].definition.compensation
        return UndoChange(
            key=str(entry.key),
            position=self._positions.setdefault(entry.key, len(self._positions) + 1),
            step_id=entry.key.step,
            visit=entry.key.visit,
            item=entry.key.item,
            action="workflow" if compensation is None else compensation.action,
            status=entry.status,
            error=_error(entry.error),
            written_off=entry.written_off,
            generation=self._known.generation,
        )

    def _waiting_now(self, state: State, wakes: Mapping[Key, datetime]) -> tuple[Waiting, ...]:
        found: list[Waiting] = []
        for key, task in state.tasks.items():
            if task.stage not in {"waiting", "suspended"} or len(found) == _MOST_WAITING:
                continue
            wake, wait = wakes.get(key), task.wait
            found.append(
                Waiting(
                    step_id=key.step,
                    item=key.item,
                    event=None if wait is None else wait.event,
                    wake_at=None if wake is None else wake.isoformat(),
                    reason=None if wait is None else wait.reason,
                    schema=None if wait is None else wait.schema,
                )
            )
        return tuple(found)

    def _entries(self, state: State, steps: Iterable[StepChange], status: RunStatus, at: str) -> Iterator[Transition]:
        for change in steps:
            told = self._told.get(change.step_id)
            self._told[change.step_id] = change
            if told is not None and (told.view, told.visit) == (change.view, change.visit):
                continue
            message = "" if change.error is None else change.error["message"]
            yield self._entry(change.view, at, step_id=change.step_id, message=message)
        if status != self._status:
            failure = state.failure
            message = self._again(state) if failure is None else plain(failure.error.message)
            yield self._entry(status, at, message=message)

    def _again(self, state: State) -> str:
        """Say of a run that begins again that it does."""
        if self._status not in _AGAIN:
            return ""
        return f"starts over, generation {state.generation}" if self._starts_over else "goes on"

    def _entry(self, status: EventStatus, at: str, *, step_id: str | None = None, message: str) -> Transition:
        self._events += 1
        return Transition(id=self._events, status=status, at=at, step_id=step_id, message=message)


def _failure(state: State) -> dict[str, str | None] | None:
    if state.failure is None:
        return None
    error = state.failure.error
    kind = "held" if state.phase == "held" else state.failure.kind
    return {"kind": kind, "code": error.code, "message": plain(error.message), "step": state.failure.step}


def _error(error: StepError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": plain(error.message)}
