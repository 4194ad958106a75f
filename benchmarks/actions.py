"""Actions that the engine's benchmark runs, loaded by ACTIONS=benchmarks.actions."""

from typing import Any, Final

from flowforge.engine.actions.declaration import ActionContext, Refused, action

LARGEST: Final = 256 * 1024 - 2
"""How many characters a result may have: as JSON it has two quotes more."""


@action("bench.step", category="bench")
async def step(_params: Any, _context: ActionContext) -> dict[str, int]:
    """Do nothing; it counts as an effect, so it goes through the task queue."""
    return {"n": 1}


@action("bench.much", category="bench")
async def much(_params: Any, _context: ActionContext) -> str:
    """Answer with as much as a step may."""
    return "x" * LARGEST


@action("bench.check", category="bench")
async def check(_params: Any, context: ActionContext) -> None:
    """Undo bench.much: refuse where the result that is undone is not what was answered."""
    if context.undone_result != "x" * LARGEST:
        raise Refused("lost", f"the result of {context.call.step_id} is not what it was")
