"""A workflow that does with expressions, templates and durations what the engine does with them."""

from typing import Any

from temporalio import workflow

from flowforge.engine.durations import parse, written
from flowforge.engine.expressions.errors import ExpressionFailure
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.templates import Template


@workflow.defn
class Evaluate:
    """Evaluates each expression with the data, renders the template, and reads the duration."""

    @workflow.run
    async def run(self, texts: list[str], template: Any, duration: str, data: dict[str, Any]) -> list[Any]:
        values: list[Any] = []
        for text in texts:
            try:
                values.append(Expression.parse(text).evaluate(data))
            except ExpressionFailure as failure:
                values.append(failure.reason)
        return [*values, Template.parse(template).render(data), written(parse(duration))]
