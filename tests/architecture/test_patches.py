"""Patches of the code that tests and mutants are made with: each applies, which shows long before it is needed."""

import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PATCHES = sorted([*_ROOT.glob("mutants/*.patch"), *_ROOT.glob("tests/chaos/builds/*.patch")])


@pytest.mark.parametrize("patch", _PATCHES, ids=[str(patch.relative_to(_ROOT)) for patch in _PATCHES])
def test_patch_applies_to_the_code_as_it_is(patch: Path) -> None:
    checked = subprocess.run(  # noqa: S603 -- our own
        ["git", "apply", "--check", str(patch)],  # noqa: S607 -- wherever Git is
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_there_are_patches() -> None:
    assert {patch.parent.name for patch in _PATCHES} == {"mutants", "builds"}
