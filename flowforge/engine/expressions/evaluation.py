"""One evaluation of an expression: its data, and how many steps it may still take."""

from typing import Any, Final

from flowforge.engine.expressions.errors import ExpressionFailure, Position, Reason

MAX_STEPS: Final = 20_000
"""How many steps an evaluation may take: one for each part evaluated, each element and argument looked at, and each
128 characters of text looked at or made. So no expression lasts, or makes more text than a few megabytes."""

_CHARACTERS_A_STEP: Final = 7  # as a power of two


class Evaluation:
    """What the parts of an expression share while it is evaluated."""

    __slots__ = ("_left", "_text", "scope")

    def __init__(self, text: str, scope: dict[str, Any]) -> None:
        self._text = text
        self._left = MAX_STEPS
        self.scope = scope

    def spend(self, steps: int, at: int) -> None:
        """Take `steps` steps, or fail when there are not so many left."""
        self._left -= steps
        if self._left < 0:
            raise self.failure(Reason.TOO_MANY_STEPS, f"this takes more than {MAX_STEPS:,} steps", at)

    def spend_on_text(self, characters: int, at: int) -> None:
        """Take the steps for looking at, or making, a text of so many characters."""
        self.spend(characters >> _CHARACTERS_A_STEP, at)

    def failure(self, reason: Reason, message: str, at: int) -> ExpressionFailure:
        """Return the error to raise for what stands at offset `at` of the expression."""
        return ExpressionFailure(reason, message, Position.within(self._text, at))
