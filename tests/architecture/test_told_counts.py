"""README's counts of what was killed are those of the published proof, of which they are the sums."""

import json
import re
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TOLD = re.compile(
    r"killed ([\d,]+) workers and Temporal ([\d,]+) times, under ([\d,]+) orders and runs .*?: (\d+) violations"
)


def test_readme_tells_the_counts_of_the_published_proof() -> None:
    entries = json.loads((_ROOT / "docs" / "reliability.json").read_text(encoding="utf-8"))
    verdicts = [entry["verdict"] for entry in entries]
    done: Counter[str] = sum((Counter(verdict["done"]) for verdict in verdicts), Counter())
    ended = sum(sum(verdict["ends"].values()) for verdict in verdicts)
    violations = sum(len(verdict["violations"]) for verdict in verdicts)
    told = _TOLD.search(" ".join((_ROOT / "README.md").read_text(encoding="utf-8").split()))
    assert told is not None
    assert [int(number.replace(",", "")) for number in told.groups()] == [
        done["workers killed"],
        done["Temporal killed"],
        ended,
        violations,
    ]
