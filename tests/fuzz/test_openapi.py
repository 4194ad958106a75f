"""Requests made up from the OpenAPI document, walks over its links among them, against a running FlowForge."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.conftest import REQUESTS, Running

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_EXAMPLES = 12
"""Requests an operation and phase: about a thousand a round."""

_WALKS = 60
"""Walks a round, of twelve steps at most; few come as far as to an order."""

_MOST_ROUNDS = 10


@pytest.fixture
def at_least(request: pytest.FixtureRequest) -> int:
    """How many requests are to be made: `--requests`, which pytest knows when it is asked for this folder alone."""
    count: int = request.config.getoption("--requests", default=REQUESTS)
    return count


@pytest.mark.timeout(3600)
async def test_made_up_requests_are_answered_as_declared_and_lose_nothing(
    running: Running, tmp_path: Path, at_least: int
) -> None:
    made = seed = 0
    while made < at_least:
        seed += 1
        made += await _round(running, seed, tmp_path, "--max-examples", str(_EXAMPLES))
    print(f"{made} requests in {seed} rounds")
    await _is_well(running)


@pytest.mark.timeout(1800)
async def test_walks_to_an_order_and_on_to_what_may_be_done_to_it_are_answered_as_declared(
    running: Running, tmp_path: Path
) -> None:
    walking = ("--phases", "stateful", "--max-examples", str(_WALKS), "--include-path-regex", "^/(orders|inventory)")
    seed, orders = 0, list[Any]()
    async with running.house.http() as http:
        while not any(order["retry_of"] or order["status"] in {"cancelled", "returned"} for order in orders):
            seed += 1
            assert seed <= _MOST_ROUNDS, "nothing was ever done to an order that was placed on the way"
            await _round(running, seed, tmp_path, *walking)
            orders = (await http.get("/orders", params={"limit": 200})).json()
    await _is_well(running)


async def _is_well(running: Running) -> None:
    audit = await running.house.run("audit")
    assert audit.code == 0, audit.out
    ended = await running.process.stop()
    assert ended.is_clean, ended.err


async def _round(running: Running, seed: int, folder: Path, *options: str) -> int:
    """Make requests until schemathesis has run out of ideas; return how many."""
    url = f"http://127.0.0.1:{running.house.api_port}/openapi.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG)),
        *("run", url, "--seed", str(seed), "--no-color"),
        *("--request-timeout", "30", "--generation-database", "none", *options),
        # A stream lives as long as its order.
        *("--exclude-path-regex", "/events$", "--continue-on-failure"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    report = output.decode()
    assert process.returncode == 0, report
    generated = re.search(r"(\d+) generated", report)
    assert generated is not None, report
    return int(generated[1])
