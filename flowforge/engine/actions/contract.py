"""What a run asks of an action, and what the action may answer. Fields are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from flowforge.engine.core.stored import Stored
from flowforge.engine.sizes import MAX_INLINE_BYTES

ACT = "engine.act"
"""The activity that runs any action by its name."""

AFTER_THE_EFFECT: Final = frozenset(
    {
        "result_too_large",
        "result_not_json",
        "bad_wait",
        "response_too_large",
        "unreadable_response",
        "too_many_redirects",
    }
)
"""Codes of refusals that are about an answer: they are final, but what was asked for may have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """One unit of work: a step, one of its items, or the undo of either.

    Attributes:
        execution_id: the run.
        workflow_id: the definition that it runs.
        revision: which of its revisions.
        generation: counts how often the run started over, from 1.
        step_id: the step.
        visit: the how-manieth visit of the step this is, from 1.
        item: the position of its item, from 0; None where the step has no items.
        action: the action's name.
        params: what it is given, templates filled in.
        context: what else it may read: the run's input, results of earlier steps, and for an undo `undo`.
        key: the idempotency key, the same for every attempt; an undo's is another one than its step's.
        undo: whether this undoes a step.
        labels: what the log lines of this run carry.
        stored: what of the context is kept elsewhere, by name; of an undo's `undo` it is the result.
        unfilled: the step as its definition has it, where its params read something of that: they are filled in by
            whoever fetches it.
        keep_as: under which name its result is kept, where it is large.
        keep_part: which part of that it is; None for the whole.
        inline_bytes: how large a result may be to be answered as it is.
    """

    execution_id: str
    workflow_id: str
    revision: int
    generation: int = 1
    step_id: str
    visit: int = 1
    item: int | None = None
    action: str
    params: Any = None
    context: Mapping[str, Any] = field(default_factory=dict)
    key: str
    undo: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, Stored] = field(default_factory=dict)
    unfilled: Mapping[str, Any] | None = None
    keep_as: str = ""
    keep_part: int | None = None
    inline_bytes: int = MAX_INLINE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitAnswer:
    """The step goes on later: when an event comes, or its time.

    Attributes:
        event: the event's name; None for time alone.
        timeout_ms: milliseconds after which it goes on by itself; None for never.
        on_timeout: what it means when an event was waited for and did not come.
        schema: a JSON Schema that the event's data must meet.
        reason: for people.
    """

    event: str | None = None
    timeout_ms: int | None = None
    on_timeout: Literal["fail", "continue", "branch"] = "fail"
    schema: Any = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAnswer:
    """What an action gives: a JSON value, or the wish to wait; for an undo, whether there was anything to undo.

    Attributes:
        details: what is kept beside the result for people, for example an HTTP status and headers.
        stored: what stands for the result, where that is kept elsewhere.
    """

    result: Any = None
    wait: WaitAnswer | None = None
    not_needed: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    stored: Stored | None = None
