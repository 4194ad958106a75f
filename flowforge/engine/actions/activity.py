"""The activity that runs any action, and what its errors mean to a run."""

import asyncio
import contextvars
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from flowforge.engine.actions.contract import ACT, ActionAnswer, ActionCall
from flowforge.engine.actions.declaration import ActionContext, Failed, Refused
from flowforge.engine.actions.registry import Action, ActionRegistry
from flowforge.engine.actions.results import answer_of
from flowforge.errors import FlowForgeError
from flowforge.services.delivery import BindLogContext


class Fills(Protocol):
    """Fetches what is kept elsewhere, and keeps what is too large to be carried."""

    async def filled(self, call: ActionCall) -> ActionCall:
        """Return a call with all that its action may read.

        Raises:
            Refused: its params cannot be filled in.
        """
        ...

    async def kept(self, call: ActionCall, answer: ActionAnswer) -> ActionAnswer:
        """Return an answer as its run can carry it."""
        ...


class ActionActivities:
    """Runs the actions of a registry.

    A run sees an error only as an ApplicationError whose type is the error's code. A refusal, an unknown action, params
    that are wrong and a result that cannot be kept are not retryable; everything else is. The attempt's number is in
    its details.
    """

    def __init__(
        self,
        actions: ActionRegistry,
        threads: Executor,
        bind: BindLogContext | None = None,
        filler: Fills | None = None,
    ) -> None:
        """Take the actions, where plain functions run, what binds the log context, and what keeps large values."""
        self._actions = actions
        self._filler = filler
        self._threads = threads
        self._bind = bind

    @activity.defn(name=ACT)
    async def act(self, call: ActionCall) -> ActionAnswer:
        """Run one attempt of an action; the answer's details tell which it was."""
        info = activity.info()
        if self._bind is not None:
            self._bind(**call.labels, execution_id=call.execution_id, step=call.step_id)
        policy = info.retry_policy
        try:
            if self._filler is not None:
                call = await self._filler.filled(call)
            context = ActionContext(
                call=call,
                attempt=info.attempt,
                max_attempts=policy.maximum_attempts or None if policy is not None else None,
                scheduled_at=info.scheduled_time,
            )
            answer = await self._answer(call, context)
            if self._filler is not None:
                answer = await self._filler.kept(call, answer)
            return replace(answer, details={**answer.details, "attempt": info.attempt})
        except Refused as refusal:
            raise _final(refusal.code, refusal.message, info.attempt, refusal.details) from refusal
        except Failed as failure:
            raise ApplicationError(
                failure.message,
                {"attempt": info.attempt, **failure.details},
                type=failure.code,
                next_retry_delay=None if failure.retry_after is None else max(failure.retry_after, timedelta()),
            ) from failure
        except FlowForgeError as error:
            if error.retryable:
                raise ApplicationError(error.message, {"attempt": info.attempt}, type=error.code) from error
            raise _final(error.code, error.message, info.attempt) from error
        except ApplicationError:
            raise  # from a service: it says all of this already
        except Exception as error:
            # A defect, perhaps gone with the next deployment: it must not decide a run.
            message = f"{type(error).__name__}: {error}"
            raise ApplicationError(message, {"attempt": info.attempt}, type="internal") from error

    async def _answer(self, call: ActionCall, context: ActionContext) -> ActionAnswer:
        action = self._actions.get(call.action)
        if action is None or action.run is None:
            raise Refused("unknown_action", f"no worker offers the action {call.action!r}")
        params = _read(action, call.params)
        if action.is_plain:
            return answer_of(await self._in_thread(action, params, context))
        return answer_of(await action.run(params, context))

    async def _in_thread(self, action: Action, params: Any, context: ActionContext) -> Any:
        """Run a plain function to its end, even when it is told to stop: its effect must not come after its undo."""
        assert action.run is not None  # noqa: S101 -- for the type: `_answer` looked
        variables = contextvars.copy_context()
        running = asyncio.get_running_loop().run_in_executor(self._threads, variables.run, action.run, params, context)
        while True:
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if running.cancelled():
                    raise
                context.stop_requested.set()


def _read(action: Action, params: Any) -> Any:
    if action.read is None:
        return params
    try:
        return action.read(params)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'params'}: {each['msg']}" for each in error.errors()[:5])
        raise Refused("bad_params", f"{action.name}: {told}") from error


def _final(code: str, message: str, attempt: int, details: Mapping[str, Any] | None = None) -> ApplicationError:
    return ApplicationError(
        message,
        {"attempt": attempt, **(details or {})},
        type=code,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
