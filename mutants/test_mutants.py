"""Each mutant is caught by the test that it names, which is green without it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import pytest

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent
_PATCHES: Final = sorted(_HERE.glob("*.patch"))
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check said."""

    code: int
    told: str

    @property
    def is_red(self) -> bool:
        """Whether a test failed; one that could not be run, or found, proves nothing."""
        last = self.told.strip().splitlines()[-1]
        return self.code == 1 and re.search(r"\b\d+ failed\b", last) is not None and " error" not in last


class Laboratory:
    """Working trees of the last commit, in which patches are tried, one after the other.

    Attributes:
        trials: what became of each mutant, by name.
        control: what became of all checks without one.
    """

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self._trees: SimpleQueue[Path] = SimpleQueue()
        making = [pool.submit(self._make, folder / f"tree-{number}") for number in range(_AT_ONCE)]
        self.control = pool.submit(self._try, None)
        self.trials = {patch.stem: pool.submit(self._try, patch) for patch in _PATCHES}
        self._making = making

    def clear_away(self) -> None:
        """Remove the trees, when all trials are over."""
        for tree in self._making:
            _git("worktree", "remove", "--force", str(tree.result()), cwd=_ROOT)

    def _make(self, tree: Path) -> Path:
        _git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD", cwd=_ROOT)
        # By their content, files of compiled code know that a patch has changed their source; by its time they may not.
        compile_all = ("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "flowforge", "tests", "chaos")
        subprocess.run([sys.executable, *compile_all], cwd=tree, check=True)  # noqa: S603 -- our own
        self._trees.put(tree)
        return tree

    def _try(self, patch: Path | None) -> Outcome:
        """Run a patch's check where it is applied, or all checks where none is."""
        tree = self._trees.get()
        try:
            if patch is None:
                return _pytest(tree, [_check(each) for each in _PATCHES])
            _git("apply", str(patch), cwd=tree)
            outcome = _pytest(tree, [_check(patch)])
            _git("apply", "--reverse", str(patch), cwd=tree)
            return outcome
        finally:
            self._trees.put(tree)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Run all trials, some at once; the trees are gone afterwards."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        laboratory = Laboratory(tmp_path_factory.mktemp("trees"), pool)
        yield laboratory
    laboratory.clear_away()


@pytest.mark.parametrize("patch", _PATCHES, ids=lambda patch: patch.stem)
def test_mutant_is_caught(laboratory: Laboratory, patch: Path) -> None:
    outcome = laboratory.trials[patch.stem].result()
    assert outcome.is_red, outcome.told


def test_checks_are_green_without_a_mutant(laboratory: Laboratory) -> None:
    outcome = laboratory.control.result()
    assert outcome.code == 0, outcome.told


def _check(patch: Path) -> tuple[str, str]:
    """Return the file and the expression that name a patch's check."""
    [(file, expression)] = re.findall(r"^Check: (\S+) -k (.+)$", patch.read_text(), re.MULTILINE)
    return file, expression


def _pytest(tree: Path, checks: Sequence[tuple[str, str]]) -> Outcome:
    files = sorted({file for file, _ in checks})
    chosen = " or ".join(f"({expression})" for _, expression in checks)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", chosen]
    # In the trees there is no Temporal; in ours there is one, or there will be.
    there = os.environ | {"FLOWFORGE_DATA_DIR": str(_ROOT / os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge"))}
    done = subprocess.run(command, cwd=tree, env=there, capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    return Outcome(done.returncode, done.stdout + done.stderr)


def _git(*arguments: str, cwd: Path) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)  # noqa: S603, S607 -- git's
