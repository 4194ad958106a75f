"""Another build of the code: a copy of ours with a patch from `builds`, and processes that run it."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from chaos.nursery import Nursery, open_nursery

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parents[1]
_RUN: Final = ("flowforge", "chaos")


@asynccontextmanager
async def open_build(name: str, folder: Path) -> AsyncIterator[Nursery]:
    """Make the build of this name in a folder, and start its processes until the block ends.

    Raises:
        CalledProcessError: its patch does not apply: make it anew when its place in the code has moved.
    """
    tree, logs = folder / name, folder / f"{name}-logs"
    for package in _RUN:
        shutil.copytree(_ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    logs.mkdir()
    # Git does nothing, and says nothing, where it takes the folder for a part of a repository around it.
    alone = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder)}
    apply = ["git", "apply", str(_HERE / "builds" / f"{name}.patch")]
    subprocess.run(apply, cwd=tree, env=alone, check=True)  # noqa: ASYNC221, S603 -- our own, and short
    async with open_nursery(logs, root=tree) as nursery:
        yield nursery
