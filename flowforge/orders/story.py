"""An order's progress as text, for Temporal's UI."""

from flowforge.money import Money
from flowforge.orders.contracts import Order, OrderState
from flowforge.services.lines import described

_UNDOS = {
    "pending": "· {name}",
    "running": "… {name}",
    "completed": "↩ {name}",
    "not_needed": "= {name}: nothing to undo",
    "failed": "✖ {name}",
}


def summary(order: Order) -> str:
    """Return in one line what was ordered, for the list of workflows."""
    return f"{described(order.items)} for {order.customer_id}, paid with {order.payment_method}"


def details(order: Order, state: OrderState) -> str:
    """Return the order's progress as Markdown: what was done, what runs, what was undone."""
    lines = [f"**{state.status}**: {summary(order)}"]
    if state.amount_minor is not None and state.currency is not None:
        lines[0] += f", {Money(amount_minor=state.amount_minor, currency=state.currency)}"
    lines.append("")
    lines += [f"- ✔ {step}" for step in state.steps_completed]
    if state.current_step is not None:
        lines.append(f"- … {state.current_step}")
    lines += [f"- ✖ {step}: {why}" for step, why in state.given_up.items()]
    if state.failure_reason is not None:
        lines.append(f"- ✖ {state.failure_code}: {state.failure_reason}")
        for undo in state.compensations:
            error = f": {undo.error}" if undo.error else ""
            lines.append(f"- {_UNDOS[undo.status].format(name=undo.name)}{error}")
    return "\n".join(lines)
