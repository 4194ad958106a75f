"""The activities that belong to a run itself: writing its row, and ending it as the row says."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from flowforge.durable.cancelling import cancel_own_run
from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.contracts import CANCEL_RUN, PREPARE_CHILD, CancelRun, PrepareChild, RunRequest
from flowforge.engine.core.stored import Stored
from flowforge.engine.elsewhere import DECIDE, FILL, KEEP, DecideAnswer, DecideCall, KeepValue
from flowforge.engine.saving import BEGIN, BEGUN, SAVE, BeginStep, RunSaved, SaveRun, StepBegun
from flowforge.engine.sizes import MAX_CALL_BYTES, size_of
from flowforge.errors import FlowForgeError, PayloadTooLarge

_UNSPECIFIED: Final = ApplicationErrorCategory.UNSPECIFIED


class Rows(Protocol):
    """Moves the runs' rows."""

    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...


class Prepares(Protocol):
    """Prepares runs that runs start."""

    async def prepare(self, wish: PrepareChild) -> RunRequest:
        """Return the run that a step starts.

        Raises:
            DatabaseUnavailable: try again.
            Exception: it cannot be started.
        """
        ...


class Values(Protocol):
    """Knows what runs keep elsewhere."""

    async def decide(self, call: DecideCall) -> DecideAnswer:
        """Answer a question.

        Raises:
            DatabaseUnavailable: try again.
            NotFound: a value was removed.
        """
        ...

    async def keep(self, request: KeepValue) -> Stored:
        """Keep a value.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...

    async def filled(self, call: ActionCall) -> ActionCall:
        """Return a call with all that its action may read.

        Raises:
            DatabaseUnavailable: try again.
            NotFound: a value was removed.
            Exception: its params cannot be filled in.
        """
        ...


class RunActivities:
    """Delivers the runs' calls to their rows, and to whoever knows what they may start and what they keep.

    Args:
        rows: theirs.
        children: prepares what they start.
        values: knows what they keep.
        act: runs an action.
    """

    def __init__(
        self, rows: Rows, children: Prepares, values: Values, act: Callable[[ActionCall], Awaitable[ActionAnswer]]
    ) -> None:
        self._rows = rows
        self._children = children
        self._values = values
        self._act = act

    @activity.defn(name=DECIDE)
    async def decide(self, call: DecideCall) -> DecideAnswer:
        """Answer a question over what is kept elsewhere."""
        with _as_failures():
            return await self._values.decide(call)

    @activity.defn(name=KEEP)
    async def keep(self, request: KeepValue) -> Stored:
        """Keep a value elsewhere; under the same name a second time it stays the first one."""
        with _as_failures():
            return await self._values.keep(request)

    @activity.defn(name=FILL)
    async def fill(self, call: ActionCall) -> Any:
        """Return a call's params."""
        with _as_failures():
            params = (await self._values.filled(call)).params
            if size_of(params) > MAX_CALL_BYTES:
                raise PayloadTooLarge(f"the params are larger than {MAX_CALL_BYTES} bytes")
            return params

    @activity.defn(name=SAVE)
    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed; a second time it changes nothing."""
        with _as_failures():
            return await self._rows.save(request)

    @activity.defn(name=BEGIN)
    async def begin(self, request: BeginStep) -> StepBegun:
        """Write a turn, and then begin the only step that comes of it, unless the row says otherwise.

        Any failure but the step's, which is the cause of one of its own type, says that the step was not begun.
        """
        asked = time.monotonic()
        with _as_failures():
            saved = await self._rows.save(request.turn)
        after_s = time.monotonic() - asked
        if not saved.goes_on:
            return StepBegun(saved=saved)
        try:
            answer = await self._act(request.call)
        except Exception as error:
            category = error.category if isinstance(error, ApplicationError) else _UNSPECIFIED
            raise ApplicationError(str(error), after_s, type=BEGUN, category=category) from error
        return StepBegun(saved=saved, answer=answer, after_s=after_s)

    @activity.defn(name=PREPARE_CHILD)
    async def prepare_child(self, wish: PrepareChild) -> RunRequest:
        """Look up what a run needs that a step starts; nothing is started yet."""
        with _as_failures():
            return await self._children.prepare(wish)

    @activity.defn(name=CANCEL_RUN)
    async def cancel_run(self, request: CancelRun) -> None:
        """Ask Temporal to cancel the run that asks for this; a second time is nothing new."""
        await cancel_own_run(request.reason)


@contextlib.contextmanager
def _as_failures() -> Iterator[None]:
    """Have a run see errors as failures with their codes."""
    try:
        yield
    except FlowForgeError as error:
        raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error
    except ValueError as error:
        raise ApplicationError(str(error), type="bad_params", non_retryable=True) from error
