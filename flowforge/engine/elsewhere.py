"""What a run asks of its worker about values that are kept elsewhere. Fields are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowforge.engine.core.events import Question
from flowforge.engine.core.stored import Stored

DECIDE = "engine.decide"
"""The activity that answers a question over values that are kept elsewhere."""

KEEP = "engine.keep"
"""The activity that keeps a value elsewhere that came into the run from outside."""

FILL = "engine.fill"
"""The activity that fills a step's params in for a worker that cannot fetch what they read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideCall:
    """Answer a question.

    Attributes:
        question: which.
        step: the step as its definition has it; None for the run's output.
        output: the run's output as its definition has it.
        context: what may be read.
        stored: what of it is kept elsewhere, by name.
        keep_as: under which name a large answer is kept.
    """

    question: Question
    step: Mapping[str, Any] | None = None
    output: Any = None
    context: Mapping[str, Any] = field(default_factory=dict)
    stored: Mapping[str, Stored] = field(default_factory=dict)
    keep_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAnswer:
    """An answer.

    Attributes:
        answer: as `Decided` has it; None where that is kept elsewhere, or a list of items.
        count: how many items there are.
        stored: what stands for the items, or for a large output.
        error: `code` and `message` of why there is no answer.
    """

    answer: Any = None
    count: int | None = None
    stored: Stored | None = None
    error: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepValue:
    """Keep a value under a name."""

    keep_as: str
    value: Any
    part: int | None = None
