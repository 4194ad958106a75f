"""The file in which a version's runs of definitions are kept: histories by name, much alike, so packed together."""

import json
import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "runs"
_SUFFIX: Final = ".json.xz"
_PRIVATE: Final = {"identity", "binaryChecksum", "stackTrace"}

Histories = dict[str, list[Any]]
"""By the name of what was done: the histories that it made, of a run and of what went on for it, as JSON."""


def versions() -> Sequence[str]:
    """Return the versions of which there are runs."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in FOLDER.glob(f"*{_SUFFIX}"))


def read(version: str) -> Histories:
    """Return a version's histories; none where it has no file yet."""
    file = FOLDER / f"{version}{_SUFFIX}"
    found: Histories = json.loads(lzma.decompress(file.read_bytes())) if file.exists() else {}
    return found


def write(version: str, histories: Mapping[str, list[Any]]) -> None:
    """Keep a version's histories."""
    told = json.dumps(anonymous(dict(sorted(histories.items()))), separators=(",", ":"))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{version}{_SUFFIX}").write_bytes(lzma.compress(told.encode(), preset=9))


def anonymous(value: Any) -> Any:
    """Leave out who ran it and where: no replay needs that."""
    if isinstance(value, dict):
        return {key: anonymous(each) for key, each in value.items() if key not in _PRIVATE}
    return [anonymous(each) for each in value] if isinstance(value, list) else value
