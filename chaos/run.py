"""The campaign from beginning to end."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.machine import Circumstances, circumstances
from chaos.house import House, open_house
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.report import write
from chaos.scenarios.catalogue import SCENARIOS, TOGETHER, Scenario

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

            async def one(name: str) -> None:
                tell(f"{name} ...")
                verdict = await _judged(scenarios[name], house, plan, name)
                verdicts.append(verdict)
                tell(f"{name}: {len(verdict.violations)} violations in {verdict.took_s:.0f} s, {verdict.told()}")
                for violation in verdict.violations:
                    tell(f"  {violation}")
                write(plan, where, name, verdict, tuple(SCENARIOS))

            for name in scenarios:
                if name not in TOGETHER:
                    await one(name)
            await asyncio.gather(*(one(name) for name in scenarios if name in TOGETHER))
    return verdicts


async def _judged(scenario: Scenario, house: House, plan: Plan, name: str) -> Verdict:
    """Run a scenario; one that breaks has found something, too, and must not keep the others from running."""
    begun = time.monotonic()
    try:
        verdict = await scenario(house, plan)
        verdict.must_have_completed()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is told
        verdict = Verdict(name=name, violations=[f"it broke: {type(error).__name__}: {error}"])
    verdict.took_s = time.monotonic() - begun
    return verdict


@contextlib.contextmanager
def _folder(data_dir: Path) -> Iterator[Path]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=data_dir.absolute(), ignore_cleanup_errors=True) as name:
        yield Path(name)
