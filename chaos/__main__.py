"""`python -m chaos`: kills everything, counts what is left, and writes docs/reliability.md; see `make chaos`."""

import asyncio
import random
import sys
from pathlib import Path
from typing import Annotated

import typer

from chaos.plan import FULL_MINUTES, Plan
from chaos.run import run
from chaos.scenarios.catalogue import SCENARIOS
from flowforge.cli.lifecycle import leave
from flowforge.settings import Settings
from flowforge.temporal.provision import provide


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="About how long it may take.")] = FULL_MINUTES,
    kills: Annotated[int | None, typer.Option(min=1, help="How many workers are killed at random.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all chance; a run is played again by its seed.")] = None,
    only: Annotated[str, typer.Option(help="The scenarios to run, with commas between; all by default.")] = "",
    out: Annotated[Path, typer.Option(help="The report to write.")] = Path("docs/reliability.md"),
) -> None:
    """Kill every process at every effect, again and again, and count money and stock after."""
    chosen = {name for name in only.split(",") if name}
    if chosen - set(SCENARIOS):
        raise typer.BadParameter(
            f"there is no scenario {', '.join(sorted(chosen - set(SCENARIOS)))}: {list(SCENARIOS)}"
        )
    plan = Plan.of(
        seed=random.SystemRandom().randrange(1_000_000) if seed is None else seed,
        minutes=minutes,
        kills=kills,
        command=" ".join(["python -m chaos", *sys.argv[1:]]),
        out=out,
    )
    scenarios = {name: scenario for name, scenario in SCENARIOS.items() if not chosen or name in chosen}

    async def campaign() -> int:
        settings = Settings.load()
        binary = await provide(settings.data_dir, report=tell)
        tell(f"seed {plan.seed}")
        verdicts = await run(plan, scenarios, binary=binary, data_dir=settings.data_dir, tell=tell)
        return int(any(verdict.violations for verdict in verdicts))

    # A process that ran Temporal's client can crash while the interpreter shuts down.
    leave(asyncio.run(campaign()))


def tell(line: str) -> None:
    """Print a line at once."""
    typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
