"""Definitions for tests of the harness, and the harness over them."""

from typing import Any

from flowforge.testing.harness import TestHarness


def step(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "action": keys.pop("action", f"do-{name}"), "dependsOn": list(after), **keys}


ORDER: dict[str, Any] = {
    "id": "order",
    "steps": [
        step("reserve", params={"sku": "${sku}"}, compensation={"action": "release", "params": {"key": "${undo.key}"}}),
        step("charge", "reserve", compensation={"action": "refund"}, retryPolicy={"maxAttempts": 3}),
        step("ship", "charge"),
    ],
    "output": {"charge": "${charge.id}"},
}

MOCKS: dict[str, Any] = {"reserve": {"at": "A7"}, "charge": {"id": "ch_1"}, "ship": None}


def harness(*steps: dict[str, Any], mocks: dict[str, Any] | None = None, **body: Any) -> TestHarness:
    return TestHarness(mocks or {}, [{"id": "d", "steps": list(steps), **body}])


def order(**mocks: Any) -> TestHarness:
    return TestHarness({**MOCKS, **mocks}, [ORDER])
