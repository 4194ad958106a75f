"""An expression, compiled when its definition is published and evaluated as often as it is needed."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from flowforge.engine.expressions.errors import ExpressionSyntaxError, Position, Reason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.nodes import Node
from flowforge.engine.expressions.numbers import tidy
from flowforge.engine.expressions.parser import parse
from flowforge.engine.expressions.references import Reference
from flowforge.engine.expressions.values import Value, truthy

MAX_BYTES: Final = 4096
"""How long an expression's text may be, in UTF-8."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. It has no state: the same data give the same value, in a workflow's replay too.

    Attributes:
        text: as its author wrote it.
        references: what it reads, in the order of the text.
    """

    text: str
    references: tuple[Reference, ...] = field(compare=False)
    _root: Node = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Compile a text.

        Raises:
            ExpressionSyntaxError: it is no expression of this language, or too long.
        """
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            start = Position(offset=0, line=1, column=1)
            raise ExpressionSyntaxError(Reason.TOO_LONG, f"an expression has at most {MAX_BYTES} bytes", start)
        root, references = parse(text)
        return cls(text, references, root)

    def evaluate(self, data: dict[str, Any]) -> Value:
        """Return this expression's value.

        Args:
            data: JSON values by the names under which the expression reads them; `context` is all of them. What is
                returned may be one of them itself, not a copy.

        Returns:
            A JSON value or UNDEFINED. Doubles that are integers come as int, except -0; NaN and the infinities come
            as float, for which JSON has no text.

        Raises:
            ExpressionFailure: it has no value with these data.
        """
        return tidy(self._root(Evaluation(self.text, data)))

    def holds(self, data: dict[str, Any]) -> bool:
        """Tell whether this expression, as a condition, is met: its value is what JavaScript calls truthy.

        Raises:
            ExpressionFailure: it has no value with these data.
        """
        return truthy(self._root(Evaluation(self.text, data)))
