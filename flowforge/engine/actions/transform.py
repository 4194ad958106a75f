"""The action `transform`: a few lines of JavaScript that make one JSON value of others."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from flowforge.engine.actions.declaration import ActionContext, Refused, Workflow, action
from flowforge.engine.actions.javascript.pool import JavaScriptPool

_OWN: Final = frozenset({"code", "inputKey"})


class TransformParams(BaseModel):
    """What `transform` takes."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})

    code: str = Field(max_length=64 * 1024, description="the body of a function of `input` and `context`")
    input_key: str | None = Field(None, alias="inputKey", description="a step or a key of the run's input")
    input: Any = Field(None, description="the input itself, where no selector gives one")


class Transform(Workflow):
    """Code that computes, in a process that may come to harm."""

    def __init__(self, pool: JavaScriptPool) -> None:
        self._pool = pool

    @action("transform", category="data", effect=False)
    async def transform(self, params: TransformParams, context: ActionContext) -> Any:
        """Make a value of others with JavaScript: `return input.users.map(u => u.id)`."""
        return await self._pool.run(params.code, _input(params, context), context.data)


def _input(params: TransformParams, context: ActionContext) -> Any:
    """Return what `inputKey` names; else what a selector merged into the params; else everything."""
    if params.input_key is not None:
        if params.input_key not in context.data:
            raise Refused("missing_path", f"there is no `{params.input_key}`")
        return context.data[params.input_key]
    given = dict(_given(context.call.params))
    if not given:
        return dict(context.data)
    return given["input"] if given.keys() == {"input"} else given


def _given(params: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(params, Mapping):
        yield from ((key, value) for key, value in params.items() if key not in _OWN)
