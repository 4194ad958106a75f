"""A Compose project seen from outside, with nothing but Python's standard library and `docker compose`."""

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any, Final

_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def compose(*arguments: str, exit_code: int = 0, **environment: str) -> str:
    """Run `docker compose` and return what it prints; leave when its exit code is another one."""
    command = ("docker", "compose", *arguments)
    done = subprocess.run(  # noqa: S603 -- our own constants
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != exit_code:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode} instead of {exit_code}\n{done.stdout}")
    return done.stdout


def http(url: str, order: dict[str, Any] | None = None, **headers: str) -> Any:
    """Get an address, or post an order to it, and return what is answered."""
    data = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310
    with _DIRECTLY.open(request, timeout=90) as response:
        return json.load(response)


def follow(api: str, order: dict[str, Any]) -> dict[str, Any]:
    """Read the order's events, which end with it, and return it as it then is."""
    with _DIRECTLY.open(f"{api}/orders/{order['order_id']}/events", timeout=90) as events:
        events.read()
    state: dict[str, Any] = http(f"{api}/orders/{order['order_id']}")
    return state


def see(what: str, seen: object, expected: object) -> None:
    """Say what is seen; leave when it is not what was expected."""
    if seen != expected:
        sys.exit(f"{what}: {seen!r} instead of {expected!r}")
    print(f"{what}: {seen}", flush=True)
