"""The load on the API as a process of its own.

python -m benchmarks.http_load HOST PORT
"""

import asyncio
import json
import sys
from typing import Any, Final

from benchmarks.http_client import Connection, HttpError, request_bytes
from benchmarks.line_service import run_load, serve_lines

_ORDER: Final = {"product_id": "SKU-001", "quantity": 1, "customer_id": "bench", "payment_method": "tok_visa"}
_COMPLETED: Final = b'"status": "completed"'


async def main(host: str, port: int) -> None:
    """Place orders on request and wait for their end: `{"count": 100, "in_flight": 50}`."""
    name = f"{host}:{port}"
    order = request_bytes("POST", "/orders", name, body=json.dumps(_ORDER).encode(), prefer="wait=60")

    async def measure(request: dict[str, Any]) -> dict[str, Any]:
        lanes = [await Connection.open(host, port) for _ in range(request["in_flight"])]

        async def once(lane: int, _number: int) -> None:
            status, body = await lanes[lane].request(order)
            if status != 200 or _COMPLETED not in body:
                raise HttpError(f"an order did not complete: {status} {body[:500]!r}")

        try:
            return await run_load(request["count"], request["in_flight"], once)
        finally:
            for lane in lanes:
                lane.close()

    await serve_lines(measure)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
