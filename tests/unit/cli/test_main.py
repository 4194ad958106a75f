"""`main.py` by a Python that has nothing of what it needs."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

MAIN = Path(__file__).parents[3] / "main.py"


async def test_python_without_the_requirements_names_the_one_that_has_them() -> None:
    # Without `site` there are no packages, as with a system's Python.
    asked = (sys.executable, "-S", "-E", str(MAIN), "orders", "list")
    process = await asyncio.create_subprocess_exec(*asked, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    first, then = err.decode().splitlines()
    assert first.startswith(f"flowforge: {sys.executable} has no ")
    assert then.endswith(f"{MAIN.parent / '.venv' / 'bin' / 'python'} {MAIN} orders list")
