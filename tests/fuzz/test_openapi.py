"""Requests made up from the OpenAPI document, walks over its links among them, against a running FlowForge."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.fuzz.conftest import REQUESTS, Running

_CONFIG = Path(__file__).with_name("schemathesis.toml")
_EXAMPLES = 12
"""Requests an operation and phase: about a thousand a round."""


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
        made += await _round(f"http://127.0.0.1:{running.house.api_port}/openapi.json", seed, tmp_path)
    print(f"{made} requests in {seed} rounds")
    audit = await running.house.run("audit")
    assert audit.code == 0, audit.out
    ended = await running.process.stop()
    assert ended.is_clean, ended.err


async def _round(url: str, seed: int, folder: Path) -> int:
    """Make requests until schemathesis has run out of ideas; return how many."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG)),
        *("run", url, "--seed", str(seed), "--no-color"),
        *("--max-examples", str(_EXAMPLES), "--request-timeout", "30", "--generation-database", "none"),
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
