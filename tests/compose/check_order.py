"""See that a Compose project that is up fulfils orders, makes failed ones whole and keeps them: `check_order.py`.

It runs on the host, in the project's folder, with nothing but Python's standard library and `docker compose`.
"""

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any, Final

_API: Final = f"http://127.0.0.1:{os.environ.get('API_PORT', '8000')}"
_UI: Final = f"http://127.0.0.1:{os.environ.get('TEMPORAL_UI_PORT', '8233')}"
_STEPS: Final = ["check_inventory", "reserve_inventory", "process_payment", "update_warehouse"]
_UNDOS: Final = ["revert_warehouse", "refund_payment_by_idempotency_key", "release_inventory"]
_ORDER: Final = {"product_id": "SKU-001", "quantity": 2, "customer_id": "compose", "payment_method": "tok_visa"}


def _compose(*arguments: str, exit_code: int = 0, **environment: str) -> str:
    command = ("docker", "compose", *arguments)
    done = subprocess.run(  # noqa: S603 -- our own constants
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != exit_code:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode} instead of {exit_code}\n{done.stdout}")
    return done.stdout


_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _http(url: str, order: dict[str, Any] | None = None, **headers: str) -> Any:
    data = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310
    with _DIRECTLY.open(request, timeout=90) as response:
        return json.load(response)


def _follow(order: dict[str, Any]) -> dict[str, Any]:
    """Read the order's events, which end with it, and return it as it then is."""
    with _DIRECTLY.open(f"{_API}/orders/{order['order_id']}/events", timeout=90) as events:
        events.read()
    state: dict[str, Any] = _http(f"{_API}/orders/{order['order_id']}")
    return state


def _see(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        sys.exit(f"{what}: {seen!r} instead of {expected!r}")
    print(f"{what}: {seen}", flush=True)


def _see_completed(order: dict[str, Any]) -> None:
    _see("an order", (order["status"], order["steps_completed"]), ("completed", _STEPS))
    _see(
        "its link, from the host",
        order["temporal_url"].startswith(_UI.replace("127.0.0.1", "localhost")),
        expected=True,
    )


def _see_made_whole(order: dict[str, Any]) -> None:
    undone = [undo["name"] for undo in order["compensations"] if undo["status"] == "completed"]
    _see("an order", (order["status"], order["failure_code"], undone), ("failed", "injected_fault", _UNDOS))


def _see_temporal(order: dict[str, Any], status: str) -> None:
    told = _http(f"{_UI}/api/v1/namespaces/default/workflows/{order['workflow_id']}")
    _see("in Temporal's UI", told["workflowExecutionInfo"]["status"], f"WORKFLOW_EXECUTION_STATUS_{status}")


def main() -> None:
    """Go through it; leave with a line that says what was not as it should be."""
    containers = [json.loads(line) for line in _compose("ps", "--format", "json").splitlines()]
    published = {p["URL"] for c in containers for p in c["Publishers"] or () if p["PublishedPort"]}
    _see("addresses that ports are published on", published, {"127.0.0.1"})
    for service in ("temporal", "api", "worker"):
        _see(f"user of {service}", _compose("exec", "-T", service, "id", "-u").strip(), "1000")

    completed = _http(f"{_API}/orders", _ORDER, Prefer="wait=60")
    _see_completed(completed)
    _see_temporal(completed, "COMPLETED")
    _see_completed(json.loads(_compose("--profile", "demo", "run", "--rm", "-T", "starter")))
    stock = _http(f"{_API}/inventory")
    failing = ("--profile", "demo", "run", "--rm", "-T", "starter", "--fail-at", "warehouse")
    _see_made_whole(json.loads(_compose(*failing, exit_code=1)))

    # A worker that is told to fail; an order accepted while there is none waits for it, even over a new Temporal.
    _compose("stop", "worker")
    _see("exit code of a stopped worker", json.loads(_compose("ps", "-a", "--format", "json", "worker"))["ExitCode"], 0)
    waiting = _http(f"{_API}/orders", _ORDER)
    _compose("up", "-d", "--wait", "--force-recreate", "--no-deps", "temporal")
    _compose("up", "-d", "--wait", "--no-deps", "worker", FAIL_AT="warehouse")
    failed = _http(f"{_API}/orders", _ORDER, Prefer="wait=60")
    _see_made_whole(failed)
    _see_temporal(failed, "FAILED")
    _see_made_whole(_follow(waiting))
    _see("stock after failed orders is as before", _http(f"{_API}/inventory") == stock, expected=True)

    _compose("up", "-d", "--wait", "--no-deps", "worker")
    _see("an order of the former worker", _http(f"{_API}/orders/{completed['order_id']}")["status"], "completed")
    _see_completed(_http(f"{_API}/orders", _ORDER, Prefer="wait=60"))
    print(_compose("exec", "-T", "worker", "python", "main.py", "audit"))


if __name__ == "__main__":
    main()
