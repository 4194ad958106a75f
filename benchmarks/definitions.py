"""The definitions that the engine's benchmark runs."""

from typing import Any, Final

SAGA: Final[dict[str, Any]] = {
    "id": "bench-saga",
    "steps": [
        {
            "id": "check",
            "action": "inventory.quote",
            "params": {"productId": "${productId}", "quantity": "${quantity}"},
        },
        {
            "id": "reserve",
            "action": "inventory.reserve",
            "params": {"productId": "${productId}", "quantity": "${quantity}"},
            "dependsOn": ["check"],
            "compensation": {"action": "inventory.release"},
        },
        {
            "id": "charge",
            "action": "payments.charge",
            "params": {
                "amountMinor": "${check.amountMinor}",
                "currency": "${check.currency}",
                "paymentMethod": "tok_visa",
            },
            "dependsOn": ["reserve"],
            "compensation": {"action": "payments.refund_by_key"},
        },
        {
            "id": "ship",
            "action": "warehouse.apply",
            "params": {"productId": "${productId}", "quantity": "${quantity}"},
            "dependsOn": ["charge"],
            "compensation": {"action": "warehouse.revert"},
        },
    ],
}
"""What an order does, as a definition: the same four fenced steps, the same services."""

SAGA_INPUT: Final[dict[str, Any]] = {"productId": "SKU-001", "quantity": 1}


def chain(count: int) -> dict[str, Any]:
    """Return steps one after the other, each of which reads the result of the one before."""
    steps: list[dict[str, Any]] = [{"id": "s0", "action": "bench.step", "params": {}}]
    for number in range(1, count):
        before = f"s{number - 1}"
        params = {"before": f"${{{before}.n}}"}
        steps.append({"id": f"s{number}", "action": "bench.step", "params": params, "dependsOn": [before]})
    return {"id": f"bench-chain-{count}", "steps": steps}


def fan_out(count: int) -> dict[str, Any]:
    """Return steps side by side."""
    steps = [{"id": f"s{number}", "action": "bench.step", "params": {}} for number in range(count)]
    return {"id": f"bench-fan-{count}", "steps": steps}


def everything(count: int) -> dict[str, Any]:
    """Return steps that each have what a step may have: nobody runs them, they are published."""
    of_each: dict[str, Any] = {
        "action": "bench.step",
        "timeout": "1h30m",
        "retryPolicy": {"maxAttempts": 5, "initialDelay": "1s", "backoffMultiplier": 2, "maxDelay": "1m"},
    }
    steps: list[dict[str, Any]] = []
    for number in range(count):
        params = {
            "order": "${order.id}",
            "lines": "${order.lines}",
            "text": f"step {number} of ${{order.customer.name}}, for ${{order.total}} ${{order.currency}}",
            "headers": {"X-Request": f"${{order.id}}-{number}", "X-Tenant": "${order.tenant}"},
        }
        step = {"id": f"s{number}", "name": f"Step {number}", **of_each, "params": params}
        if number:
            before = f"s{number - 1}"
            params["before"] = f"${{{before}.n}}"
            step["dependsOn"] = [before]
            step["condition"] = f"{before}.n > 0 && (order.plan === 'large' || order.lines.length > {number})"
        step["compensation"] = {"action": "bench.step", "params": {"key": "${undo.key}", "of": f"s{number}"}}
        steps.append(step)
    return {"id": "bench-everything", "steps": steps}


def loop(visits: int) -> dict[str, Any]:
    """Return a state machine that comes to one step so often."""
    count = {"type": "transform", "config": {"code": "return (context.count ?? 0) + 1"}}
    ways = [{"condition": f"count < {visits}", "to": "step"}, {"to": None}]
    return {
        "id": f"bench-loop-{visits}",
        "initialStepId": "step",
        "steps": {
            "step": {"type": "bench.step", "config": {}, "transitions": {"onSuccess": "count"}},
            "count": {**count, "transitions": ways},
        },
    }


def items(concurrency: int) -> dict[str, Any]:
    """Return a step for each item of a list, each with an undo."""
    each = {"items": "${list}", "as": "one", "concurrency": concurrency}
    step = {"id": "each", "action": "bench.step", "params": {"of": "${one}"}, "forEach": each}
    undo = {"action": "noop", "params": {}}
    return {"id": "bench-items", "steps": [{**step, "compensation": undo}]}


def load(count: int, *, fails: bool) -> dict[str, Any]:
    """Return steps that each answer with as much as a step may; or the last fails, and the others are undone."""
    undo = {"action": "bench.check", "params": {}}
    steps: list[dict[str, Any]] = [
        {"id": f"s{number}", "action": "bench.much", "params": {}, "compensation": undo}
        for number in range(count - 1 if fails else count)
    ]
    if fails:
        names = [step["id"] for step in steps]
        steps.append({"id": "end", "action": "fail", "params": {"message": "enough"}, "dependsOn": names})
    return {"id": f"bench-load-{'fails' if fails else 'completes'}", "steps": steps}
