"""From a published revision and an input to a run that can be started, by a client or by another run."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flowforge.engine.contracts import MAX_DEPTH, PrepareChild, RunRequest
from flowforge.engine.core.keys import Key
from flowforge.engine.data_checks import check_data
from flowforge.engine.definition.model import Definition
from flowforge.engine.filling import Filler
from flowforge.engine.idempotency import child_id, forward_key
from flowforge.engine.placing import Effects, effect_free, local_effects
from flowforge.engine.sizes import MAX_RESULT_BYTES, size_of
from flowforge.engine.store.definitions import DefinitionStore, Revision
from flowforge.errors import Conflict, PayloadTooLarge


def request_for(
    found: Revision, definition: Definition, given: Mapping[str, Any], *, execution_id: str, effects: Effects
) -> RunRequest:
    """Return a run of a revision.

    Raises:
        InputRefused: the input is not as the definition's schema says.
        PayloadTooLarge: it is larger than a run may carry.
    """
    if size_of(given) > MAX_RESULT_BYTES:
        raise PayloadTooLarge(f"the input is larger than {MAX_RESULT_BYTES} bytes")
    if definition.input_schema is not None:
        check_data(definition.input_schema, dict(given))
    return RunRequest(
        execution_id=execution_id,
        workflow_id=found.workflow_id,
        revision=found.revision,
        definition=found.body,
        input=given,
        accepted_at=datetime.now(UTC).isoformat(),
        effect_free=effect_free(definition, effects),
        local_effects=local_effects(definition, effects),
    )


class ChildRuns:
    """Prepares the runs that runs start.

    Args:
        definitions: what can be run.
        effects: knows what actions change.
        filler: knows what runs keep elsewhere.
    """

    def __init__(self, definitions: DefinitionStore, effects: Effects, filler: Filler) -> None:
        self._definitions = definitions
        self._effects = effects
        self._filler = filler

    async def prepare(self, wish: PrepareChild) -> RunRequest:
        """Return the run that a step starts.

        Raises:
            NotFound: there is no such definition.
            Conflict: it was deleted, or runs have started one another too often.
            InputRefused: the input is not as the definition's schema says.
            PayloadTooLarge: it is larger than a run may carry.
            DatabaseUnavailable: try again.
        """
        parent = wish.parent
        if parent.depth >= MAX_DEPTH:
            raise Conflict(f"runs have started one another {MAX_DEPTH} deep")
        asked = wish.params if wish.call is None else (await self._filler.filled(wish.call)).params
        params = asked if isinstance(asked, dict) else {}
        name, given = params.get("workflowId"), params.get("input") or {}
        revision = wish.revision or params.get("revision")
        if not isinstance(name, str) or not isinstance(given, dict) or not isinstance(revision, int | None):
            raise ValueError("a run is started by `workflowId` and an `input`, which is an object")  # noqa: TRY004
        found = await self._definitions.get(name, revision)
        if found.is_deleted and wish.revision is None:
            raise Conflict(f"the workflow {name!r} was deleted: it starts no runs any more")
        key = forward_key(parent.execution_id, parent.generation, Key(wish.step, wish.visit, wish.item))
        request = request_for(found, found.definition, given, execution_id=child_id(key), effects=self._effects)
        return replace(
            await self._filler.carried(request),
            metadata=parent.metadata,
            tenant_id=parent.tenant_id,
            parent_execution_id=parent.execution_id,
            request_id=parent.request_id,
            depth=parent.depth + 1,
            options=parent.options,
        )
