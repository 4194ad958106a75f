"""What the interpreter asks for, as calls of actions: what each is given, how it is tried, and what its end means."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy as TemporalRetryPolicy
from temporalio.exceptions import ApplicationError, TimeoutError  # noqa: A004  Temporal's own: not the built-in one

from flowforge.durable.failures import attempts_of, is_cancellation, message_of, root
from flowforge.engine.actions.contract import AFTER_THE_EFFECT, ActionCall
from flowforge.engine.burden import Burden
from flowforge.engine.contracts import RunOptions, RunRequest
from flowforge.engine.core.bindings import Bindings, data_for, needs, undo_data_for, written
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.step_bindings import BindingError, Names
from flowforge.engine.core.stored import split
from flowforge.engine.definition.names import UNDO
from flowforge.engine.idempotency import forward_key, undo_key
from flowforge.engine.sizes import (
    MAX_CALL_BYTES,
    MAX_INLINE_BYTES,
    MAX_RESULT_BYTES,
    Sizes,
    is_kept_whole,
    size_of,
)
from flowforge.engine.tries import Tries

_Fill = Callable[[Key, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that can be made.

    Attributes:
        request: what is asked of the action.
        size: how many bytes that takes.
    """

    request: ActionCall
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a call is tried.

    Attributes:
        attempt_timeout: how long one attempt may take.
        timeout: how long all of them may; None for as long as it takes.
        silence: after how long without a sign of life an attempt's worker is taken for dead.
        retry: the pauses between them, and how many there are.
        made: how many attempts were made before these.
    """

    attempt_timeout: timedelta
    timeout: timedelta | None
    silence: timedelta
    retry: TemporalRetryPolicy = field(default_factory=TemporalRetryPolicy)
    made: int = 0

    def after(self, error: BaseException, *, taken: timedelta, in_full: bool) -> "tuple[timedelta, Trial] | None":
        """Return after which pause a call goes on to be tried once its first attempt has failed, and how.

        Args:
            error: with which it failed.
            taken: how long it took.
            in_full: whether it had all of an attempt's time; one that had not and was too slow does not count.

        Returns:
            None where that was the last attempt.
        """
        cause = root(error)
        left = None if self.timeout is None else self.timeout - taken
        if isinstance(cause, TimeoutError) and not in_full:
            return timedelta(), replace(self, timeout=left)
        most = self.retry.maximum_attempts
        code = cause.type if isinstance(cause, ApplicationError) else None
        if most == 1 or code in (self.retry.non_retryable_error_types or ()):
            return None
        asked = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
        pause = self.retry.initial_interval if asked is None else asked
        if left is not None and pause >= left:
            return None
        longer = self.retry.initial_interval * self.retry.backoff_coefficient
        retry = replace(
            self.retry,
            initial_interval=min(longer, self.retry.maximum_interval or longer),
            maximum_attempts=max(most - 1, 0),
        )
        timeout = None if left is None else left - pause
        return pause, replace(self, timeout=timeout, retry=retry, made=self.made + 1)


class Calls:
    """Makes the calls of one run.

    Args:
        request: the accepted run.
        plan: what it walks.
        bindings: what its expressions and templates come to.
    """

    def __init__(self, request: RunRequest, plan: Plan, bindings: Bindings) -> None:
        self._request = request
        self._plan = plan
        self._bindings = bindings
        self._sizes = Sizes()
        self.burden = Burden()
        self._labels = {} if request.request_id is None else {"request_id": request.request_id}

    def forward(self, key: Key, state: State) -> Call:
        """Return the call of a step's action.

        Raises:
            BindingError: what it needs is not there, or is too large.
        """
        request = self._request
        data = data_for(self._plan, state, request.given, key)
        items = None if key.item is None else state.steps[key.step].items
        listed = key if items is None else Key(key.step, items.visit)
        call = ActionCall(
            **self._common(key),
            action=self._plan.steps[key.step].definition.action,
            key=forward_key(request.execution_id, request.generation, key),
            keep_as=forward_key(request.execution_id, request.generation, listed),
            keep_part=key.item,
            inline_bytes=self.burden.room(None if items is None else items.count),
        )
        return self._given(call, key, data, self._bindings.reads(key), self._bindings.params)

    def undo(self, key: Key, state: State) -> Call:
        """Return the call of a step's compensation.

        Raises:
            BindingError: what it needs is not there, or is too large.
        """
        compensation = self._plan.steps[key.step].definition.compensation
        if compensation is None:
            raise BindingError("no_compensation", f"{key.step} has nothing that undoes it")
        request = self._request
        forward = forward_key(request.execution_id, request.generation, key)
        data = undo_data_for(self._plan, state, request.given, key, forward)
        call = ActionCall(
            **self._common(key),
            action=compensation.action,
            key=undo_key(request.execution_id, request.generation, key),
            undo=True,
        )
        return self._given(call, key, data, self._bindings.reads(key, undo=True), self._bindings.undo_params)

    def _common(self, key: Key) -> dict[str, Any]:
        request = self._request
        return {
            "execution_id": request.execution_id,
            "workflow_id": request.workflow_id,
            "revision": request.revision,
            "generation": request.generation,
            "step_id": key.step,
            "visit": key.visit,
            "item": key.item,
            "labels": self._labels,
        }

    def _given(self, call: ActionCall, key: Key, data: dict[str, Any], reads: Names, fill: _Fill) -> Call:
        """Return a call with its params, or with the step as it is where what they read has to be fetched."""
        here, elsewhere = split(data)
        is_short = needs(elsewhere, reads)
        params = None if is_short else fill(key, data)
        given, size = size_of(params), self._sizes.of(here)
        if given + size > MAX_CALL_BYTES and reads is not None:
            here = {root: value for root, value in here.items() if root in reads or root == UNDO}
            size = self._sizes.of(here)
        if given + size > MAX_CALL_BYTES:
            raise BindingError("params_too_large", f"{key.step} would be given {given + size} bytes")
        step = written(self._plan.steps[key.step].definition) if is_short else None
        return Call(
            request=replace(call, params=params, context=here, stored=elsewhere, unfilled=step), size=given + size
        )


def trial_of(tries: Tries, options: RunOptions) -> Trial:
    """Return how Temporal is told to try a call."""
    return Trial(
        attempt_timeout=tries.attempt_timeout,
        timeout=tries.timeout,
        silence=timedelta(seconds=options.heartbeat_timeout_s),
        retry=TemporalRetryPolicy(
            initial_interval=tries.first_pause,
            backoff_coefficient=tries.backoff,
            maximum_interval=tries.longest_pause,
            maximum_attempts=tries.most or 0,
            non_retryable_error_types=tries.final or None,
        ),
    )


def told_of(error: BaseException) -> Mapping[str, Any]:
    """Return what an action told of its failure besides its code, where that is little enough to be shown."""
    cause = root(error)
    found = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else None
    return found if isinstance(found, dict) and size_of(found) <= MAX_INLINE_BYTES else {}


def outcome_of(error: BaseException, step: str) -> tuple[Outcome, int]:
    """Return what a failed action means, and how often it was tried as far as that is known.

    Whether it took effect is unknown of everything but a refusal that is not about its answer.
    """
    attempts = attempts_of(error)
    if is_cancellation(error):
        return Outcome(kind="cancelled", error=StepError(code="cancelled", message=f"{step} was cancelled")), attempts
    cause = root(error)
    if isinstance(cause, TimeoutError):
        late = StepError(code="step_timeout", message=f"{step} did not answer in time")
        return Outcome(kind="timed_out", error=late), attempts
    code = cause.type if isinstance(cause, ApplicationError) and cause.type else "internal"
    found = StepError(code=code, message=message_of(error))
    is_refusal = isinstance(cause, ApplicationError) and cause.non_retryable and code not in AFTER_THE_EFFECT
    return Outcome(kind="refused" if is_refusal else "failed", error=found), attempts


def _is_json(result: Any) -> bool:
    """Tell whether a result has no infinities in it, which somebody else's worker may send."""
    try:
        json.dumps(result, allow_nan=False)
    except ValueError:
        return False
    return True


def answered(result: Any, step: str) -> Outcome:
    """Return what an action's result means: one that is too large for a run to carry is a failure."""
    size = size_of(result)
    if not is_kept_whole(result) or not _is_json(result):
        no_json = StepError(code="result_not_json", message=f"{step} answered with a number that JSON does not have")
        return Outcome(kind="failed", error=no_json)
    if size <= MAX_RESULT_BYTES:
        return Outcome(kind="succeeded", result=result)
    message = f"{step} answered with {size} bytes, at most {MAX_RESULT_BYTES} can be carried"
    return Outcome(kind="failed", error=StepError(code="result_too_large", message=message))
