"""The action `webhook`: tells somebody what happened, signed, and fails no run unless it is asked to."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.declaration import ActionContext, Failed, Refused
from flowforge.engine.actions.exchange import exchange, raise_for
from flowforge.engine.actions.registry import Action
from flowforge.engine.actions.signing import signed_headers
from flowforge.errors import EgressBlocked

MAX_ATTEMPTS: Final = 5
"""After how many a webhook is given up that must not fail its run, where its step does not say less."""

_RESERVED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "content-type"}
)


class WebhookParams(BaseModel):
    """What `webhook` takes.

    Attributes:
        payload: the body, in the place of ours.
        type: what happened, for example `order.shipped`.
        status: of the run or the step, for ours.
        data: more, for ours; by default the context.
        fail_on_error: whether a webhook that cannot be delivered fails its step.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})

    url: str = Field(max_length=8192)
    payload: Any = None
    type: str = "workflow.step"
    status: str = "running"
    data: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    fail_on_error: bool = Field(default=False, alias="failOnError")


def webhook(client: httpx2.AsyncClient, keys: Sequence[bytes] = ()) -> Action:
    """Return the action, over a client that goes only where it may, signing with each of the keys."""

    async def run(params: WebhookParams, context: ActionContext) -> ActionAnswer:
        message_id = f"msg_{hashlib.sha256(context.key.encode()).hexdigest()[:32]}"
        body = json.dumps(_payload(params, context, message_id), separators=(",", ":")).encode()
        headers = {name.lower(): value for name, value in params.headers.items() if name.lower() not in _RESERVED}
        headers |= {"content-type": "application/json", **signed_headers(keys, message_id, datetime.now(UTC), body)}
        try:
            answer = await exchange(client, "POST", params.url, headers=headers, content=body)
            if not 200 <= answer.status < 300:
                raise_for(answer, params.url)
        except (Refused, Failed, EgressBlocked) as error:
            if params.fail_on_error or (isinstance(error, Failed) and not _is_last(context)):
                raise
            told = {"code": error.code, "message": error.message}
            return ActionAnswer(result={"delivered": False, "id": message_id, "error": told})
        return ActionAnswer(result={"delivered": True, "id": message_id, "status": answer.status})

    return replace(WEBHOOK, run=run)


WEBHOOK: Final = Action(
    name="webhook",
    description="POST what happened to a URL, signed by Standard Webhooks.",
    category="http",
    has_effect=False,
    tells=True,
    schema=WebhookParams.model_json_schema(),
    read=WebhookParams.model_validate,
    run=None,
)
"""What is known of the action without a client."""


def _is_last(context: ActionContext) -> bool:
    return context.attempt >= min(context.max_attempts or MAX_ATTEMPTS, MAX_ATTEMPTS)


def _payload(params: WebhookParams, context: ActionContext, message_id: str) -> Any:
    if "payload" in params.model_fields_set:
        return params.payload
    call = context.call
    return {
        "id": message_id,
        "type": params.type,
        "executionId": call.execution_id,
        "workflowId": call.workflow_id,
        "stepId": call.step_id,
        "status": params.status,
        "timestamp": context.scheduled_at.isoformat(),
        "data": params.data if "data" in params.model_fields_set else dict(call.context),
    }
