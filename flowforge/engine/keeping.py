"""Keeps elsewhere what is too large for a run to carry, and has questions over it answered there."""

from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.burden import Burden
from flowforge.engine.calls import Call, answered
from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.bindings import Bindings, data_for, needs, written
from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Decided, Event, ItemList
from flowforge.engine.core.outcomes import Outcome, StepError
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import RUN, State
from flowforge.engine.core.stored import Stored, split
from flowforge.engine.elsewhere import DECIDE, FILL, KEEP, DecideAnswer, DecideCall, KeepValue
from flowforge.engine.idempotency import forward_key
from flowforge.engine.sizes import MAX_INLINE_BYTES, size_of

_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(seconds=2))


class Keeping:
    """What one run keeps elsewhere.

    Args:
        request: the accepted run.
        plan: what it walks.
        bindings: what its expressions and templates come to.
        burden: what it carries.
    """

    def __init__(self, request: RunRequest, plan: Plan, bindings: Bindings, burden: Burden) -> None:
        self._request = request
        self._plan = plan
        self._bindings = bindings
        self._burden = burden

    async def outcome(self, call: Call, answer: ActionAnswer) -> Outcome:
        """Return what an answer means, with its result kept elsewhere where it is large."""
        if answer.stored is not None:
            return Outcome(kind="succeeded", result=answer.stored)
        asked = call.request
        outcome, size = answered(answer.result, asked.step_id), size_of(answer.result)
        if outcome.kind != "succeeded":
            return outcome
        if size <= asked.inline_bytes:
            self._burden.add(size)
            return outcome
        stored = await self._keep(KeepValue(keep_as=asked.keep_as, value=answer.result, part=asked.keep_part))
        return Outcome(kind="succeeded", result=stored)

    async def carried(self, value: Any) -> Any:
        """Return a value that came from outside as the run carries it."""
        size = size_of(value)
        if size <= self._burden.room():
            self._burden.add(size)
            return value
        ref = f"{self._request.execution_id}:sent:{workflow.uuid4()}"
        return await self._keep(KeepValue(keep_as=ref, value=value))

    async def params(self, request: ActionCall) -> Any:
        """Return a call's params, filled in, for whoever cannot fetch what they read."""
        if request.unfilled is None:
            return request.params
        return await self._ask(FILL, request, None, f"fill in {request.step_id}")

    def decide_here(self, command: Decide, state: State) -> Decided | None:
        """Answer a question; None where that takes what is kept elsewhere, or gives what must be."""
        data = data_for(self._plan, state, self._request.given, command.key)
        if needs(split(data)[1], self._bindings.reads(command)):
            return None
        decided = self._bindings.decide(command, data)
        answer = decided.answer.value if isinstance(decided.answer, ItemList) else decided.answer
        is_large = command.question in {"items", "output"} and size_of(answer) > MAX_INLINE_BYTES
        return None if is_large else decided

    async def decide(self, command: Decide, state: State) -> Event:
        """Have a question answered by the worker."""
        key, request = command.key, self._request
        here, elsewhere = split(data_for(self._plan, state, request.given, key))
        reads = self._bindings.reads(command)
        if reads is not None:
            here = {name: value for name, value in here.items() if name in reads}
            elsewhere = {name: value for name, value in elsewhere.items() if name in reads}
        answer: DecideAnswer = await self._ask(
            DECIDE,
            DecideCall(
                question=command.question,
                step=None if key is None else written(self._plan.steps[key.step].definition),
                output=self._plan.definition.output if key is None else None,
                context=here,
                stored=elsewhere,
                keep_as=f"{forward_key(request.execution_id, request.generation, key or RUN)}:{command.question}",
            ),
            DecideAnswer,
            f"decide the {command.question} of {key or 'the run'}",
        )
        found: Any = answer.answer if answer.stored is None else answer.stored
        if answer.count is not None:
            found = ItemList(count=answer.count, value=found)
        error = None if answer.error is None else StepError(**answer.error)
        return Decided(key=key, question=command.question, answer=found, error=error)

    async def _keep(self, value: KeepValue) -> Stored:
        stored: Stored = await self._ask(KEEP, value, Stored, f"keep {value.keep_as}")
        return stored

    async def _ask(self, activity: str, asked: Any, result_type: type | None, summary: str) -> Any:
        # Inside the workflow task: what is asked with a local activity is never in the history.
        return await workflow.execute_local_activity(
            activity,
            asked,
            result_type=result_type,
            start_to_close_timeout=timedelta(seconds=self._request.options.local_timeout_s),
            retry_policy=_RETRY,
            local_retry_threshold=timedelta(seconds=2),
            summary=summary,
        )
