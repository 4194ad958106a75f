"""See that FlowForge on Postgres fulfils orders through two APIs and two workers, whichever of its parts goes away.

It runs on the host, in the project's folder, with COMPOSE_FILE=docker-compose.postgres.yml:
`python -m tests.compose.check_postgres`.
"""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.compose.outside import compose, follow, http, see

_APIS: Final = tuple(
    f"http://127.0.0.1:{os.environ.get(name, default)}"
    for name, default in (("API_PORT", "8000"), ("API2_PORT", "8001"))
)
_ORDER: Final = {"product_id": "SKU-001", "quantity": 2, "customer_id": "compose", "payment_method": "tok_visa"}


def _placed(count: int) -> list[dict[str, Any]]:
    """Place orders through both APIs in turn."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda number: http(f"{_APIS[number % 2]}/orders", _ORDER), range(count)))


def _ends(orders: list[dict[str, Any]], *, api: str = _APIS[0]) -> dict[str, int]:
    """Wait until all have ended; count how."""
    with ThreadPoolExecutor(8) as threads:
        return Counter(order["status"] for order in threads.map(lambda order: follow(api, order), orders))


def _restart(service: str) -> None:
    """Kill a service outright, as a machine does that loses power, and have it back."""
    compose("kill", "--signal", "KILL", service)
    compose("up", "-d", "--wait", "--no-deps", service)


def main() -> None:
    """Go through it; leave with a line that says what was not as it should be."""
    containers = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    published = {p["URL"] for c in containers for p in c["Publishers"] or () if p["PublishedPort"]}
    see("addresses that ports are published on", published, {"127.0.0.1"})
    for service in ("temporal", "api", "api2", "worker", "worker2"):
        see(f"user of {service}", compose("exec", "-T", service, "id", "-u").strip(), "1000")

    order = http(f"{_APIS[0]}/orders", _ORDER, Prefer="wait=60")
    see("an order", order["status"], "completed")
    see("the same, by the other API", http(f"{_APIS[1]}/orders/{order['order_id']}")["status"], "completed")
    twice = [http(f"{api}/orders", _ORDER, **{"Idempotency-Key": "compose-1"})["order_id"] for api in _APIS]
    see("orders of one key through two APIs", len(set(twice)), 1)
    see("twenty orders", _ends(_placed(20)), {"completed": 20})

    orders = _placed(10)
    _restart("worker")
    see("orders whose worker was killed", _ends(orders), {"completed": 10})
    orders = _placed(10)
    _restart("postgres")
    see("orders whose database was killed", _ends(orders, api=_APIS[1]), {"completed": 10})
    orders = _placed(10)
    compose("kill", "--signal", "KILL", "temporal", "api")
    compose("up", "-d", "--wait", "--no-deps", "temporal", "api")
    see("orders whose Temporal was killed, and an API", _ends(orders), {"completed": 10})

    stock = http(f"{_APIS[0]}/inventory")
    compose("stop", "worker2")
    compose("up", "-d", "--wait", "--no-deps", "worker", FAIL_AT="warehouse")
    see("orders that fail", _ends(_placed(5)), {"failed": 5})
    see("stock after failed orders is as before", http(f"{_APIS[1]}/inventory") == stock, expected=True)
    print(compose("exec", "-T", "worker", "python", "main.py", "audit"))


if __name__ == "__main__":
    main()
