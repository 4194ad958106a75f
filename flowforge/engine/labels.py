"""What Temporal's UI calls the parts of a run, and what its lists find it by: its definition, its status, its tenant.

A run has these search attributes where it was started with them, which it is where its namespace knows them (see
`launching`). The rows are what readers read; these are for people in Temporal's UI, and lag a little, as its lists do.

A status that is told costs one event of the run's history, within a workflow task that is taken anyhow, and one more
write of the run's entry in Temporal's lists. So what is over in a moment is not told: a run that completes tells once,
at its end, and one that is undone twice. A wait is told where nothing is sure to end it soon; then it is told again
when the run goes on.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.keys import Key
from flowforge.engine.core.views import RunStatus
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step

DEFINITION: Final = SearchAttributeKey.for_keyword("FlowForgeDefinition")
STATUS: Final = SearchAttributeKey.for_keyword("FlowForgeStatus")
TENANT: Final = SearchAttributeKey.for_keyword("FlowForgeTenant")

LABELS: Final = (DEFINITION.name, STATUS.name, TENANT.name)
"""Their names; all are keywords."""

SHORT: Final = timedelta(seconds=10)
"""What a run waits for less than this is not told."""


_TITLE: Final = 100
"""How many characters of a name the UI is told: Temporal means to take no more than 400 bytes."""


def called(step: Step, key: Key) -> str:
    """Return what people call a unit of work: its step's name, the how-manieth visit to it, and the item."""
    return str(key._replace(step=step.title[:_TITLE]))


def summary_of(definition: Definition, revision: int) -> str:
    """Return what people call a run."""
    return f"{definition.title[:_TITLE]}, revision {revision}"


def labels_of(request: RunRequest) -> TypedSearchAttributes:
    """Return with what a run is started."""
    is_undone = request.abandoned or request.overruled is not None
    status: RunStatus = "compensating" if is_undone else "running"
    pairs = [SearchAttributePair(DEFINITION, request.workflow_id), SearchAttributePair(STATUS, status)]
    if request.tenant_id is not None:
        pairs.append(SearchAttributePair(TENANT, request.tenant_id))
    return TypedSearchAttributes(pairs)


def labels_of_child(request: RunRequest) -> TypedSearchAttributes:
    """Return with what the run that runs here starts another one: with labels where it has them itself."""
    return labels_of(request) if _is_labelled() else TypedSearchAttributes.empty


def tell_status(status: RunStatus, ends: Iterable[datetime] = ()) -> None:
    """Tell Temporal's lists how the run that runs here is, where that is worth it.

    Args:
        status: how it is.
        ends: of what it waits for, by when each ends by itself.
    """
    if not _is_labelled():
        return
    told = workflow.info().typed_search_attributes.get(STATUS)
    if status == "waiting" and told != "waiting" and any(end < workflow.now() + SHORT for end in ends):
        status = "running"
    if status != told:
        workflow.upsert_search_attributes([STATUS.value_set(status)])


def _is_labelled() -> bool:
    return workflow.info().typed_search_attributes.get(DEFINITION) is not None
