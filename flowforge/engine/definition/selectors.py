"""Selectors: what of a run's input and results a step is given, besides its params."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from flowforge.engine.definition.strict import Strict


class KeyInput(Strict):
    """One key of the context, under its own name, or merged into the params where it is an object."""

    type: Literal["key"]
    key: str


class KeysInput(Strict):
    """Several keys of the context, each under its own name."""

    type: Literal["keys"]
    keys: tuple[str, ...]


class PathInput(Strict):
    """Something inside the context, for example `order.customer`."""

    type: Literal["path"]
    path: str


class TemplateInput(Strict):
    """A value with `${path}` in its strings."""

    type: Literal["template"]
    template: Any


class FullInput(Strict):
    """The whole context."""

    type: Literal["full"]


class StaticInput(Strict):
    """A value as it stands; nothing in it is looked up."""

    type: Literal["static"]
    value: Any


SELECTOR_TYPES = ("key", "keys", "path", "template", "full", "static")
"""Every kind of selector."""


def _kind(value: Any) -> str | None:
    found = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return f"${found}" if found in SELECTOR_TYPES else None


Selector = Annotated[
    Annotated[KeyInput, Tag("$key")]
    | Annotated[KeysInput, Tag("$keys")]
    | Annotated[PathInput, Tag("$path")]
    | Annotated[TemplateInput, Tag("$template")]
    | Annotated[FullInput, Tag("$full")]
    | Annotated[StaticInput, Tag("$static")],
    Discriminator(_kind),
]
"""One of the selectors, told apart by `type`. Tags begin with `$` so that they can be told from keys of a document."""
