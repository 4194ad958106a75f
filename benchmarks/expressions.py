"""What a condition costs in a workflow, and how long one may last at most: `python -m benchmarks.expressions`."""

import contextlib
import time
from typing import Any, Final

from flowforge.engine.expressions.errors import ExpressionFailure
from flowforge.engine.expressions.expression import Expression

_DATA: Final[dict[str, Any]] = {
    "score": {"risk": 0.2},
    "plan": "enterprise",
    "order": {"total": 120, "tags": ["new", "gift"]},
    "big": "9" * 2_000_000,
    "wide": "é😀" * 50_000,
    "many": list(range(1, 19_000)),
}
_CONDITIONS: Final = [
    "score.risk < 0.3",
    'plan === "enterprise"',
    "order.total > 100 && order.tags.includes('gift') && !order.coupon?.code",
]
_LONGEST: Final = [
    "+".join(["big"] * 1000),
    "+".join(["wide.length"] * 300),
    "||".join(["many.includes(0)"] * 200),
    "many.includes('0')||" * 100 + "1",
    "+big",
    "||".join(["0<1<2<3<4<5<6<7<8<9<0"] * 100),
]


def _microseconds(expression: Expression, times: int) -> float:
    """Return the CPU time of one evaluation, the best of five rounds."""
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            expression.holds(_DATA)
        rounds.append((time.process_time() - start) / times * 1e6)
    return min(rounds)


def _milliseconds_to_the_end(text: str) -> float:
    """Return the CPU time until an expression has its value, or has run out of steps."""
    expression = Expression.parse(text)
    start = time.process_time()
    with contextlib.suppress(ExpressionFailure):
        expression.holds(_DATA)
    return (time.process_time() - start) * 1e3


def main() -> None:
    """Print the table."""
    for text in _CONDITIONS:
        print(f"{_microseconds(Expression.parse(text), 20_000):8.2f} µs  {text}")
    for text in _LONGEST:
        print(f"{_milliseconds_to_the_end(text):8.2f} ms  {text[:48]}… ({len(text)} characters)")


if __name__ == "__main__":
    main()
