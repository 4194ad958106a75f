"""How an order's row moves: the rules by themselves, without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from flowforge.durable.compensation import Compensation
from flowforge.errors import Conflict, OrderCancelled
from flowforge.money import Money
from flowforge.orders import wording
from flowforge.orders.contracts import CloseOrder, OrderState, OrderStatus
from flowforge.orders.records import CLOSED, GOING_FORWARD, EventStatus
from flowforge.services.journal import Entry, FailedAttempt
from flowforge.services.outcomes import in_words

_MAY_BECOME: Final[Mapping[str, frozenset[str]]] = {
    "running": frozenset({"paused", "completed", "compensating"}),
    "paused": frozenset({"running", "completed", "compensating"}),
    "compensating": frozenset({"needs_attention", "failed", "cancelled"}),
    "needs_attention": frozenset({"needs_attention", "failed", "cancelled"}),
}
_SETTLED: Final = frozenset({"completed", "not_needed"})
_OF_NO_STEP: Final = "order"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to an order, before it has a number."""

    step: str
    status: EventStatus
    message: str
    timestamp: datetime


@dataclass(slots=True, kw_only=True)
class Progress:
    """The part of an order's row that changes, and the events that its change brings about.

    Events are facts and are only ever added; the status moves only by `close`.

    Attributes:
        compensations: as JSON, in the order in which they run; see Compensation.
        new_events: to be numbered from `last_event_id` + 1 and stored with the row.
    """

    product_id: str | None
    quantity: int
    status: OrderStatus = "running"
    current_step: str | None = None
    steps_completed: list[str] = field(default_factory=list)
    compensations: list[dict[str, Any]] = field(default_factory=list)
    compensation_triggered: bool = False
    failure_code: str | None = None
    failure_reason: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    charge_id: str | None = None
    closed_at: datetime | None = None
    deadline_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None
    dispatched_at: datetime | None = None
    last_event_id: int = 0
    new_events: list[NewEvent] = field(default_factory=list)

    def record(self, entry: Entry) -> None:
        """Take in an outcome of a step or an undo.

        Raises:
            OrderCancelled: a step of an order that is marked as to be cancelled; its effect must not be either.
        """
        if entry.call.undo is not None:
            self._undone(entry, entry.call.undo)
            return
        if self.cancel_requested_at is not None:
            raise OrderCancelled(self._cancel_reason)
        if self.status in CLOSED:
            return  # a straggler without an effect: those that have one are fenced by then
        if entry.state == "applied":
            self._learn(entry)
        self._begin(entry.call.step, entry.call.completed, entry.started_at)

    def attempt_failed(self, attempt: FailedAttempt) -> None:
        """Take in a failed attempt; an order that has ended is not told of it."""
        if self.status in CLOSED:
            return
        call = attempt.call
        if call.undo is None:
            self._begin(call.step, call.completed, attempt.at)
        else:
            compensation = self._compensation(call.undo)
            if compensation["status"] in _SETTLED:
                return
            self._begin_undo(compensation, call.step, attempt.at)
            compensation.update(attempts=call.attempt, error=attempt.message)
        message = wording.attempt_failed(call.attempt, attempt.message, call.undo)
        self._add(call.step, "failed", message, attempt.at)

    def let_go(self, at: datetime) -> bool:
        """Take in that the goods have left, so that the order is not unwound any more; tell whether that is new.

        Raises:
            Conflict: it is being unwound, or was: the goods must not leave.
        """
        if self.cancel_requested_at is not None or self.status not in {*GOING_FORWARD, "completed"}:
            raise Conflict("the order is being unwound, or was: its parcel must not leave")
        if self.dispatched_at is not None:
            return False
        self.dispatched_at = at
        return True

    def close(self, request: CloseOrder, at: datetime) -> bool:
        """Move the status on where that is allowed; tell whether it moved.

        An order whose goods have left is completed when it is to be unwound: everything that could be undone is done.
        """
        if request.to == "compensating" and self.has_left:
            request = replace(request, to="completed", state=_without_failure(request.state))
        if request.to not in _MAY_BECOME.get(self.status, ()):
            return False
        state = request.state
        if self.cancel_requested_at is not None and self.status in GOING_FORWARD:
            if request.to != "compensating":
                return False
            self.failure_code, self.failure_reason = "cancelled", self._cancel_reason
        self._complete(state.steps_completed, at)
        for name in ("amount_minor", "currency", "charge_id", "failure_code", "failure_reason"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(state, name))
        self.compensation_triggered = self.compensation_triggered or state.compensation_triggered
        self._merge(state.compensations, at)
        self._tell_of(request, at)
        if request.to == "compensating" and self.failure_code == "cancelled" and not self.steps_completed:
            self._mark_cancelled(at)
        if self.status == "paused" and request.to == "compensating" and self.deadline_at is not None:
            self.deadline_at = max(self.deadline_at, at)  # it stood still as long as the order did
        self.status = request.to
        self.current_step = None
        self.closed_at = at if request.to in CLOSED else None
        return True

    def mark_returned(self, refunded_minor: int, at: datetime) -> bool:
        """Take in that a completed order came back; tell whether that is new.

        Raises:
            Conflict: it has not completed.
        """
        if self.status == "returned":
            return False
        if self.status != "completed":
            raise Conflict(f"only a completed order is returned; this one is {self.status}")
        money = None
        if refunded_minor and self.currency is not None:
            money = str(Money(amount_minor=refunded_minor, currency=self.currency))
        self.status, self.closed_at = "returned", at
        self._add(_OF_NO_STEP, "returned", wording.returned(self._units, money), at)
        return True

    @property
    def has_left(self) -> bool:
        """Whether the goods have left before the order has ended: it is completed then where it would be unwound."""
        return self.dispatched_at is not None and self.status in GOING_FORWARD

    @property
    def why_not_forward(self) -> tuple[str | None, str | None]:
        """Code and reason for which the order turned back, or is going to: it is marked as to be cancelled."""
        if self.cancel_requested_at is not None and self.status in GOING_FORWARD:
            return "cancelled", self._cancel_reason
        return self.failure_code, self.failure_reason

    @property
    def _cancel_reason(self) -> str:
        return self.cancel_reason or "cancelled"

    def _mark_cancelled(self, at: datetime) -> None:
        """Mark an order that was cancelled when it had no row, or hardly: whoever did found nothing to be marked."""
        if self.cancel_requested_at is None:
            self.cancel_requested_at, self.cancel_reason = at, self.failure_reason

    def _tell_of(self, request: CloseOrder, at: datetime) -> None:
        match request.to:
            case "compensating" if self.status in GOING_FORWARD:
                step = request.failed_step or self.current_step or _OF_NO_STEP
                reason = self.failure_reason or self.failure_code or "the order is being unwound"
                self._add(step, "failed", reason, at)
            case "completed":
                for name, why in request.state.given_up.items():
                    self._add(name, "failed", wording.given_up(why), at)
            case "paused":
                self._add(_OF_NO_STEP, "paused", wording.PAUSED, at)
            case "running":
                self._resume(request.deadline_at, at)

    def _resume(self, deadline_at: str | None, at: datetime) -> None:
        if deadline_at is not None:
            self.deadline_at = datetime.fromisoformat(deadline_at)
        self._add(_OF_NO_STEP, "resumed", wording.RESUMED, at)

    def _learn(self, entry: Entry) -> None:
        for name in ("amount_minor", "currency", "charge_id"):
            if name in entry.outcome:
                setattr(self, name, entry.outcome[name])

    def _begin(self, step: str, completed: Sequence[str], at: datetime) -> None:
        """Say that a step began, and so that those before it are done, unless a failed attempt of it has said so."""
        if self.status == "paused":
            # A held order begins no step: its run goes on, and what marked it as paused came late.
            self.status = "running"
        if self.status == "running":
            self._complete(completed, at)
            if self.current_step == step:
                return
            self.current_step = step
        self._add(step, "started", self._words().started(step), at)

    def _complete(self, steps: Sequence[str], at: datetime) -> None:
        for step in steps:
            if step not in self.steps_completed:
                self.steps_completed.append(step)
                self._add(step, "completed", self._words().completed(step), at)

    def _undone(self, entry: Entry, undo: str) -> None:
        compensation = self._compensation(undo)
        if compensation["status"] in _SETTLED:
            return
        step = entry.call.step
        if entry.state == "written_off":
            self._written_off(compensation, entry)
            return
        if entry.state == "undone":
            self._begin_undo(compensation, step, entry.started_at)
            self.compensation_triggered = True
            message = self._words().undone(step, entry.reversed)
        else:
            message = wording.NOTHING_TO_UNDO
        status = "completed" if entry.state == "undone" else "not_needed"
        compensation.update(status=status, attempts=entry.call.attempt, error=None)
        self.current_step = None
        self._add(step, "compensated", message, entry.at)

    def _written_off(self, compensation: dict[str, Any], entry: Entry) -> None:
        self.compensation_triggered = True
        by = in_words(entry.outcome)
        compensation.update(status="failed", written_off=by)
        self._add(entry.call.step, "written_off", wording.written_off(compensation["name"], by), entry.at)

    def _begin_undo(self, compensation: dict[str, Any], step: str, at: datetime) -> None:
        if compensation["status"] != "running":
            compensation["status"] = "running"
            self._add(step, "compensating", wording.undoing(compensation["name"]), at)

    def _compensation(self, name: str) -> dict[str, Any]:
        for compensation in self.compensations:
            if compensation["name"] == name:
                return compensation
        self.compensations.append(asdict(Compensation(name=name)))
        return self.compensations[-1]

    def _merge(self, told: Sequence[Compensation], at: datetime) -> None:
        """Take the workflow's compensations, in its order; those that the undo's own transaction settled stay so."""
        known = {each["name"]: each for each in self.compensations}
        merged = []
        for each in told:
            before = known.pop(each.name, None)
            status = "pending" if before is None else before["status"]
            if each.status == "failed" and status not in {*_SETTLED, "failed"}:
                self._add(each.name, "failed", each.error or "it can never succeed", at)
            is_settled = before is not None and (status in _SETTLED or before.get("written_off") is not None)
            merged.append(before if before is not None and is_settled else asdict(each))
        self.compensations = [*merged, *known.values()]

    def _words(self) -> wording.Wording:
        money = None
        if self.amount_minor is not None and self.currency is not None:
            money = Money(amount_minor=self.amount_minor, currency=self.currency)
        return wording.Wording(self._units, money, self.charge_id)

    @property
    def _units(self) -> str:
        return f"{self.quantity} units" if self.product_id is None else f"{self.quantity} x {self.product_id}"

    def _add(self, step: str, status: EventStatus, message: str, at: datetime) -> None:
        self.new_events.append(NewEvent(step, status, message, at))


def _without_failure(state: OrderState) -> OrderState:
    return replace(state, failure_code=None, failure_reason=None, compensations=())
