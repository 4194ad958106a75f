"""The tree that an expression is compiled to: frozen nodes, each called with an evaluation for its value."""
# ruff: noqa: D102  what calling a node means is said at Node

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.functions import MathFunction
from flowforge.engine.expressions.numbers import tidy
from flowforge.engine.expressions.operators import Operator
from flowforge.engine.expressions.values import UNDEFINED, Value, admit, double, truthy

Node: TypeAlias = Callable[[Evaluation], Value]
"""A part of an expression. It raises ExpressionFailure when it has no value, or when the steps have run out."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: Value
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return self.value


@dataclass(frozen=True, slots=True)
class Root:
    """What the data hold under a name."""

    name: str
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return admit(evaluation.scope.get(self.name, UNDEFINED), evaluation, self.at)


@dataclass(frozen=True, slots=True)
class Whole:
    """All the data: `context`."""

    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return evaluation.scope


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array made anew at each evaluation."""

    elements: tuple[Node, ...]
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return [tidy(element(evaluation)) for element in self.elements]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object made anew at each evaluation; of two members of one name the later stays."""

    members: tuple[tuple[str, Node], ...]
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return {name: tidy(value(evaluation)) for name, value in self.members}


@dataclass(frozen=True, slots=True)
class Not:
    """`!`."""

    operand: Node
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        return not truthy(self.operand(evaluation))


@dataclass(frozen=True, slots=True)
class Signed:
    """A value as a number (`+`), or its opposite (`-`)."""

    operand: Node
    negative: bool
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        value = double(self.operand(evaluation), evaluation, self.at)
        return -value if self.negative else value


@dataclass(frozen=True, slots=True)
class Operation:
    """Operators of equal precedence, one after the other, from the left."""

    first: Node
    rest: tuple[tuple[Operator, Node, int], ...]

    def __call__(self, evaluation: Evaluation) -> Value:
        value = self.first(evaluation)
        for operate, operand, at in self.rest:
            evaluation.spend(1, at)
            value = operate(value, operand(evaluation), evaluation, at)
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """`&&`, `||` or `??`: the first operand that settles the matter, or the last one."""

    operands: tuple[Node, ...]
    settles: Callable[[Value], bool]
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        value: Value = UNDEFINED
        for operand in self.operands:
            evaluation.spend(1, self.at)
            value = operand(evaluation)
            if self.settles(value):
                break
        return value


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? then : otherwise`; only the one that is chosen is evaluated."""

    test: Node
    then: Node
    otherwise: Node
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1, self.at)
        chosen = self.then if truthy(self.test(evaluation)) else self.otherwise
        return chosen(evaluation)


@dataclass(frozen=True, slots=True)
class MathCall:
    """A call of one of Math's functions."""

    function: MathFunction
    arguments: tuple[Node, ...]
    at: int

    def __call__(self, evaluation: Evaluation) -> Value:
        evaluation.spend(1 + len(self.arguments), self.at)
        values = [argument(evaluation) for argument in self.arguments]
        return self.function.compute(tuple(double(value, evaluation, self.at) for value in values))
