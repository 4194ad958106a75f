"""Publishes the definitions that come with this package, once, where their actions are there."""

import logging
from importlib.resources import files
from typing import Final

from flowforge.engine import bundled
from flowforge.engine.definition.model import Definition
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.examine import examine

_LOG: Final = logging.getLogger(__name__)


async def publish_bundled(store: DefinitionStore, actions: ActionCatalogue) -> list[str]:
    """Publish each definition of this package that never was, deleted ones included; return the ids of the new ones.

    One whose actions are not all there is left out: it could only fail.

    Raises:
        DatabaseUnavailable: try again.
    """
    published: list[str] = []
    for file in sorted(files(bundled).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".json"):
            continue
        text = file.read_text()
        definition = examine(text, form="json").accepted()
        missing = sorted(name for name in _actions(definition) if actions.find(name) is None)
        if missing:
            _LOG.debug("%s is not published: there is no %s", definition.id, ", ".join(missing))
        elif not await store.was_published(definition.id):
            await store.publish(text, form="json")
            published.append(definition.id)
    return published


def _actions(definition: Definition) -> set[str]:
    undos = {step.compensation.action for step in definition.steps if step.compensation is not None}
    return {step.action for step in definition.steps} | undos
