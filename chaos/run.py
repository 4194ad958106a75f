"""The campaign from beginning to end."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.machine import Circumstances, circumstances
from chaos.house import open_house
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.report import write
from chaos.scenarios.catalogue import Scenario

Tell = Callable[[str], None]


async def run(
    plan: Plan, scenarios: Mapping[str, Scenario], *, binary: Path, data_dir: Path, tell: Tell
) -> list[Verdict]:
    """Run scenarios one after the other, and write the report after each.

    Args:
        plan: how much of each.
        scenarios: which.
        binary: the `temporal` command line tool.
        data_dir: where everything keeps its data: a real disk.
        tell: is told how it goes.
    """
    where: Circumstances = await circumstances(binary)
    verdicts: list[Verdict] = []
    with _folder(data_dir) as folder:
        async with open_house(binary, folder) as house:
            for name, scenario in scenarios.items():
                tell(f"{name} ...")
                begun = time.monotonic()
                verdict = await scenario(house, plan)
                verdict.took_s = time.monotonic() - begun
                verdicts.append(verdict)
                tell(f"{name}: {len(verdict.violations)} violations in {verdict.took_s:.0f} s, {verdict.told()}")
                for violation in verdict.violations:
                    tell(f"  {violation}")
                write(plan, where, verdicts)
    return verdicts


@contextlib.contextmanager
def _folder(data_dir: Path) -> Iterator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=data_dir.absolute(), ignore_cleanup_errors=True) as name:
        yield Path(name)
