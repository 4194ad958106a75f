"""Fetches what is kept elsewhere, where it is needed: for an action's call, and for a question of the run's.

What params name is fetched, up to `MAX_FETCHED_BYTES`. The rest of the context is, where all of it together is no more
than one call may carry; else a reference stands in its place, `{"$ref": …, "size": …}`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.actions.declaration import Refused
from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.events import ItemList
from flowforge.engine.core.step_bindings import BindingError, Names, StepBindings, names_of, render_output
from flowforge.engine.core.stored import Stored
from flowforge.engine.definition.names import UNDO
from flowforge.engine.definition.step import Step
from flowforge.engine.elsewhere import DecideAnswer, DecideCall, KeepValue
from flowforge.engine.sizes import (
    MAX_CALL_BYTES,
    MAX_FETCHED_BYTES,
    MAX_INLINE_BYTES,
    MAX_INLINE_TOTAL,
    MAX_RESULT_BYTES,
    size_of,
)
from flowforge.engine.store.values import RunValues
from flowforge.engine.templates import Template


class Filler:
    """Fills in what is kept elsewhere, and keeps what is too large to be carried.

    Args:
        values: where it is kept.
    """

    def __init__(self, values: RunValues) -> None:
        self._values = values

    async def filled(self, call: ActionCall) -> ActionCall:
        """Return a call with all that its action may read.

        Raises:
            Refused: its params cannot be filled in, or name too much (`params_too_large`).
            DatabaseUnavailable: try again.
            NotFound: a value was removed.
        """
        if not call.stored:
            return call
        step = None if call.unfilled is None else StepBindings(Step.model_validate(call.unfilled))
        reads: Names = frozenset()
        if step is not None:
            reads = step.undo_reads if call.undo else step.params_reads
        try:
            data = await self._data(call.context, call.stored, reads, is_undo=call.undo)
            params = call.params
            if step is not None:
                params = step.undo_params(data) if call.undo else step.params(data)
        except BindingError as failed:
            raise Refused(failed.error.code, failed.error.message) from failed
        return replace(call, params=params, context=data, stored={}, unfilled=None)

    async def kept(self, call: ActionCall, answer: ActionAnswer) -> ActionAnswer:
        """Return an action's answer as its run can carry it.

        Raises:
            DatabaseUnavailable: try again.
        """
        if call.undo:
            return replace(answer, result=None)  # nobody reads it
        if answer.wait is not None or not call.keep_as:
            return answer
        if not call.inline_bytes < size_of(answer.result) <= MAX_RESULT_BYTES:
            return answer  # the run carries it, or refuses it
        stored = await self._values.keep(call.keep_as, answer.result, part=call.keep_part)
        return replace(answer, result=None, stored=stored)

    async def carried(self, request: RunRequest) -> RunRequest:
        """Return an accepted run with what is large in its input kept elsewhere.

        Raises:
            DatabaseUnavailable: try again.
        """
        sizes = {name: size_of(value) for name, value in request.input.items()}
        left = sum(sizes.values())
        stored: dict[str, Stored] = {}
        for name in sorted(sizes, key=lambda name: -sizes[name]):
            if sizes[name] <= MAX_INLINE_BYTES and left <= MAX_INLINE_TOTAL:
                break
            # By its content: a run that is begun again may be given another input.
            digest = hashlib.sha256(json.dumps(request.input[name], sort_keys=True).encode()).hexdigest()
            stored[name] = await self._values.keep(f"{request.execution_id}:input:{digest[:16]}", request.input[name])
            left -= sizes[name]
        kept = {name: value for name, value in request.input.items() if name not in stored}
        return replace(request, input=kept, stored=stored) if stored else request

    async def given(self, request: RunRequest) -> dict[str, Any]:
        """Return an accepted run's whole input.

        Raises:
            DatabaseUnavailable: try again.
            NotFound: a value was removed.
        """
        return {**request.input, **await self._values.fetch(request.stored)}

    async def decide(self, call: DecideCall) -> DecideAnswer:
        """Answer a question.

        Raises:
            DatabaseUnavailable: try again.
            NotFound: a value was removed.
        """
        try:
            answer = await self._answer(call)
        except BindingError as failed:
            return DecideAnswer(error={"code": failed.error.code, "message": failed.error.message})
        if isinstance(answer, ItemList):
            if size_of(answer.value) <= MAX_INLINE_BYTES:
                return DecideAnswer(answer=answer.value, count=answer.count)
            stored = await self._values.keep_list(call.keep_as, answer.value)
            return DecideAnswer(count=answer.count, stored=stored)
        if call.question == "output" and size_of(answer) > MAX_INLINE_BYTES:
            return DecideAnswer(stored=await self._values.keep(call.keep_as, answer))
        return DecideAnswer(answer=answer)

    async def keep(self, request: KeepValue) -> Stored:
        """Keep a value.

        Raises:
            DatabaseUnavailable: try again.
        """
        return await self._values.keep(request.keep_as, request.value, part=request.part)

    async def _answer(self, call: DecideCall) -> Any:
        if call.step is None:
            output = Template.parse(call.output)
            return render_output(output, await self._data(call.context, call.stored, names_of(output)))
        step = StepBindings(Step.model_validate(call.step))
        match call.question:
            case "condition":
                return step.holds(await self._data(call.context, call.stored, step.condition_reads))
            case "items":
                return step.items(await self._data(call.context, call.stored, step.items_reads))
            case _:
                return step.way_on(await self._data(call.context, call.stored, step.ways_reads))

    async def _data(
        self, context: Mapping[str, Any], stored: Mapping[str, Stored], reads: Names, *, is_undo: bool = False
    ) -> dict[str, Any]:
        named = {name for name in stored if (reads is not None and name in reads) or (is_undo and name == UNDO)}
        size = sum(stored[name].size for name in named)
        if size > MAX_FETCHED_BYTES:
            raise BindingError("params_too_large", f"{size} bytes are read at once, at most {MAX_FETCHED_BYTES} can be")
        wanted = set(stored) if sum(one.size for one in stored.values()) <= MAX_CALL_BYTES else named
        found = await self._values.fetch({name: stored[name] for name in wanted})
        data = dict(context)
        for name, one in stored.items():
            value = found.get(name, {"$ref": one.ref, "size": one.size})
            data[name] = {**data[UNDO], "result": value} if is_undo and name == UNDO else value
        return data
