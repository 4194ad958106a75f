"""See that a Compose project that is up fulfils orders, makes failed ones whole and keeps them.

It runs on the host, in the project's folder: `python -m tests.compose.check_order`.
"""

import json
import os
from typing import Any, Final

from tests.compose.outside import compose, follow, http, see

_API: Final = f"http://127.0.0.1:{os.environ.get('API_PORT', '8000')}"
_UI: Final = f"http://127.0.0.1:{os.environ.get('TEMPORAL_UI_PORT', '8233')}"
_STEPS: Final = ["check_inventory", "reserve_inventory", "process_payment", "update_warehouse"]
_UNDOS: Final = ["revert_warehouse", "refund_payment_by_idempotency_key", "release_inventory"]
_ORDER: Final = {"product_id": "SKU-001", "quantity": 2, "customer_id": "compose", "payment_method": "tok_visa"}


def _see_completed(order: dict[str, Any]) -> None:
    see("an order", (order["status"], order["steps_completed"]), ("completed", _STEPS))
    see(
        "its link, from the host",
        order["temporal_url"].startswith(_UI.replace("127.0.0.1", "localhost")),
        expected=True,
    )


def _see_made_whole(order: dict[str, Any]) -> None:
    undone = [undo["name"] for undo in order["compensations"] if undo["status"] == "completed"]
    see("an order", (order["status"], order["failure_code"], undone), ("failed", "injected_fault", _UNDOS))


def _see_temporal(order: dict[str, Any], status: str) -> None:
    told = http(f"{_UI}/api/v1/namespaces/default/workflows/{order['workflow_id']}")
    see("in Temporal's UI", told["workflowExecutionInfo"]["status"], f"WORKFLOW_EXECUTION_STATUS_{status}")


def main() -> None:
    """Go through it; leave with a line that says what was not as it should be."""
    containers = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    published = {p["URL"] for c in containers for p in c["Publishers"] or () if p["PublishedPort"]}
    see("addresses that ports are published on", published, {"127.0.0.1"})
    for service in ("temporal", "api", "worker"):
        see(f"user of {service}", compose("exec", "-T", service, "id", "-u").strip(), "1000")

    completed = http(f"{_API}/orders", _ORDER, Prefer="wait=60")
    _see_completed(completed)
    _see_temporal(completed, "COMPLETED")
    _see_completed(json.loads(compose("--profile", "demo", "run", "--rm", "-T", "starter")))
    stock = http(f"{_API}/inventory")
    failing = ("--profile", "demo", "run", "--rm", "-T", "starter", "--fail-at", "warehouse")
    _see_made_whole(json.loads(compose(*failing, exit_code=1)))

    # A worker that is told to fail; an order accepted while there is none waits for it, even over a new Temporal.
    compose("stop", "worker")
    see("exit code of a stopped worker", json.loads(compose("ps", "-a", "--format", "json", "worker"))["ExitCode"], 0)
    waiting = http(f"{_API}/orders", _ORDER)
    compose("up", "-d", "--wait", "--force-recreate", "--no-deps", "temporal")
    compose("up", "-d", "--wait", "--no-deps", "worker", FAIL_AT="warehouse")
    failed = http(f"{_API}/orders", _ORDER, Prefer="wait=60")
    _see_made_whole(failed)
    _see_temporal(failed, "FAILED")
    _see_made_whole(follow(_API, waiting))
    see("stock after failed orders is as before", http(f"{_API}/inventory") == stock, expected=True)

    compose("up", "-d", "--wait", "--no-deps", "worker")
    see("an order of the former worker", http(f"{_API}/orders/{completed['order_id']}")["status"], "completed")
    _see_completed(http(f"{_API}/orders", _ORDER, Prefer="wait=60"))
    print(compose("exec", "-T", "worker", "python", "main.py", "audit"))


if __name__ == "__main__":
    main()
