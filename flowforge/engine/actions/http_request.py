"""The action `http.request`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import httpx2
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.declaration import ActionContext, Refused
from flowforge.engine.actions.exchange import TIMEOUT_S, exchange, raise_for
from flowforge.engine.actions.registry import Action
from flowforge.engine.durations import DurationError, parse

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_NOT_TO_BE_SET: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te"})
_LONGEST_S: Final = 300.0

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in {int, float} else value)]
Status = Annotated[int, Field(ge=200, le=599)] | Annotated[str, Field(pattern="^[2-5]xx$")]


class RequestParams(BaseModel):
    """What `http.request` takes.

    Attributes:
        body: what is sent: a text as it is, anything else as JSON; without one, POST, PUT and PATCH send the context.
        expect: which statuses are a success: 2xx unless it says otherwise.
        response: whether the result is the answer's body, or `full`: `{status, headers, body}`.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})

    url: str = Field(max_length=8192)
    method: Annotated[Method, BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)] = "GET"
    headers: dict[str, Text] = Field(default_factory=dict)
    query: dict[str, bool | Text | list[Text] | None] | None = None
    body: Any = None
    expect: Status | list[Status] = "2xx"
    response: Literal["body", "full"] = "body"
    timeout: str | float = Field(TIMEOUT_S * 1000, description="for one attempt: 10s, or milliseconds")


def http_request(client: httpx2.AsyncClient) -> Action:
    """Return the action, over a client that goes only where it may."""

    async def run(params: RequestParams, context: ActionContext) -> ActionAnswer:
        answer = await exchange(
            client,
            params.method,
            params.url,
            headers=_headers(params, context),
            query=params.query,
            content=_content(params, context),
            timeout_s=_timeout_s(params),
        )
        if not _is_expected(answer.status, params.expect):
            raise_for(answer, params.url)
        told = {"status": answer.status, "headers": dict(answer.headers)}
        return ActionAnswer(
            result=answer.body if params.response == "body" else {**told, "body": answer.body}, details=told
        )

    return replace(HTTP_REQUEST, run=run)


def _method(params: Mapping[str, Any]) -> str:
    return str(params.get("method", "GET")).upper()


HTTP_REQUEST: Final = Action(
    name="http.request",
    description="Send an HTTP request; its result is the answer's body.",
    category="http",
    changes=lambda params: not isinstance(params, Mapping) or _method(params) not in _READING,
    schema=RequestParams.model_json_schema(),
    read=RequestParams.model_validate,
    run=None,
)
"""What is known of the action without a client."""


def _headers(params: RequestParams, context: ActionContext) -> dict[str, str]:
    headers = {name.lower(): value for name, value in params.headers.items()}
    if forbidden := sorted(_NOT_TO_BE_SET & headers.keys()):
        raise Refused("bad_params", f"http.request: the header {forbidden[0]} is not yours to set")
    if params.method not in _READING:
        headers.setdefault("idempotency-key", context.key)
    if _sends(params) and not isinstance(params.body, str):
        headers.setdefault("content-type", "application/json")
    return headers


def _sends(params: RequestParams) -> bool:
    return "body" in params.model_fields_set or params.method in _WITH_BODY


def _content(params: RequestParams, context: ActionContext) -> bytes | None:
    if not _sends(params):
        return None
    body = params.body if "body" in params.model_fields_set else dict(context.data)
    return body.encode("utf-8", "replace") if isinstance(body, str) else json.dumps(body).encode()


def _is_expected(status: int, expect: int | str | list[int | str]) -> bool:
    wanted = expect if isinstance(expect, list) else [expect]
    return any(status == each or f"{status // 100}xx" == each for each in wanted)


def _timeout_s(params: RequestParams) -> float:
    try:
        return min(parse(params.timeout).total_seconds(), _LONGEST_S)
    except DurationError as error:
        raise Refused("bad_params", f"http.request: timeout: {error.message}") from error
