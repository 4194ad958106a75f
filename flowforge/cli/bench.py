"""`bench`: measures orders and runs of definitions, and writes docs/performance.md and docs/performance-engine.md."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

_PARTS: Final = ("orders", "engine")


def bench(
    orders: Annotated[int, typer.Option(min=2, help="Orders in a round with 50 in flight; a quarter with 1.")] = 400,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured, in turn.")] = 5,
    memory_orders: Annotated[int, typer.Option(min=0, help="Orders that memory is watched over; 0: none.")] = 5000,
    starts: Annotated[int, typer.Option(min=0, help="How often the time until ready is taken; 0: never.")] = 5,
    out: Annotated[Path, typer.Option(help="The report to write.")] = Path("docs/performance.md"),
    engine_out: Annotated[Path, typer.Option(help="The engine's report.")] = Path("docs/performance-engine.md"),
    only: Annotated[str | None, typer.Option(help="`orders` or `engine`; both by default.")] = None,
    steps: Annotated[int, typer.Option(min=10, help="Steps of the engine's longest chain.")] = 500,
    items: Annotated[
        int, typer.Option(min=20, help="Items of the engine's long forEach; its long loop has a tenth.")
    ] = 10_000,
    values: Annotated[int, typer.Option(min=2, help="Steps that answer with 256 KiB each.")] = 500,
) -> None:
    """Measure, print and write how fast orders are, next to the least that Temporal takes; some minutes long."""
    if only not in {None, *_PARTS}:
        raise typer.BadParameter(f"there is no part {only}: {', '.join(_PARTS)}", param_hint="--only")
    from flowforge.cli.lifecycle import run
    from flowforge.cli.progress import progress
    from flowforge.cli.stopping import Stop
    from flowforge.errors import StartupError
    from flowforge.settings import Settings

    async def main(settings: Settings, stop: Stop) -> int:
        # The benchmark is part of the repository and not of the package, whose other commands need nothing of it.
        try:
            from benchmarks import run as benchmark
            from benchmarks.plan import Plan
        except ModuleNotFoundError:
            raise StartupError("the benchmark is part of the repository: run it there, with `make bench`") from None
        from flowforge.temporal.provision import provide

        with progress() as report:
            binary = await stop.or_done(provide(settings.data_dir, report=report))
        plan = Plan(
            orders=orders,
            rounds=rounds,
            memory_orders=memory_orders,
            starts=starts,
            out=out,
            engine_out=engine_out,
            parts=_PARTS if only is None else (only,),
            steps=steps,
            items=items,
            values=values,
            command=" ".join(["python main.py", *sys.argv[1:]]),
        )
        typer.echo(await stop.or_done(benchmark.run(plan, binary=binary, data_dir=settings.data_dir, tell=_tell)))
        return 0

    run(main, code_when_stopped=1)


def _tell(line: str) -> None:
    typer.echo(line, err=True)
