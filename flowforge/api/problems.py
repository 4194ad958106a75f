"""Every error as an RFC 9457 problem document, `application/problem+json`, with a stable `type`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from flowforge.api.invalid import DefinitionInvalid, ImpossibleRetry, InputError, InvalidInput, MalformedInput, pointer
from flowforge.errors import FlowForgeError

MEDIA_TYPE: Final = "application/problem+json"

RETRY_AFTER_S: Final = 2
"""What a 503 tells clients to wait, in seconds."""

_LOCATED: Final = (InvalidInput, MalformedInput, DefinitionInvalid, ImpossibleRetry)
_UNEXPLAINED: Final = "the server could not serve this request; its log has the reason under this request_id"


def problem(
    scope: Mapping[str, Any],
    *,
    status: int,
    code: str,
    detail: str,
    errors: Sequence[InputError] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """Return a problem document.

    Args:
        scope: the request's ASGI scope, for its request id.
        status: the HTTP status; 503 gets a Retry-After.
        code: stable and machine-readable; `type` is `/problems/` and the code.
        detail: one sentence for people about this occurrence.
        errors: what is wrong with the input, and where.
        headers: more response headers.
        members: further members of the document.
    """
    document = {
        "type": f"/problems/{code}",
        "title": title(code),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": scope.get("state", {}).get("request_id"),
        "errors": [_located(error) for error in errors],
        **(members or {}),
    }
    every = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        every.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Response(json.dumps(document), status, every, MEDIA_TYPE)


def internal_problem(scope: Mapping[str, Any]) -> Response:
    """Return the problem document for an error nobody foresaw; it tells nothing of it."""
    return problem(scope, status=500, code="internal", detail=_UNEXPLAINED)


def title(code: str) -> str:
    """Return the problem type's title."""
    return code.replace("_", " ").capitalize()


def catalogue() -> dict[str, type[FlowForgeError]]:
    """Return every error that can reach a client, by its code; the most general one where several share a code."""
    kinds: dict[str, type[FlowForgeError]] = {}
    for kind in _family(FlowForgeError):
        kinds.setdefault(kind.code, kind)
    return kinds


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    app.add_exception_handler(FlowForgeError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_error(request: Request, raised: Exception) -> Response:
    error = cast("FlowForgeError", raised)
    if error.status == 500:
        # What went wrong inside is for the log: only the middleware writes it, so let it see the error.
        raise error
    errors = error.errors if isinstance(error, _LOCATED) else ()
    return problem(request.scope, status=error.status, code=error.code, detail=error.message, errors=errors)


async def _on_invalid(request: Request, raised: Exception) -> Response:
    found = cast("RequestValidationError", raised).errors()
    error = InvalidInput([_input_error(entry) for entry in found])
    return problem(request.scope, status=error.status, code=error.code, detail=error.message, errors=error.errors)


async def _on_http_exception(request: Request, raised: Exception) -> Response:
    error = cast("HTTPException", raised)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = error.detail
    if status is HTTPStatus.NOT_FOUND:
        detail = "there is no such route; /docs lists them"
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request.app.routes, request.scope)))
        detail = f"this route does not answer {request.method}; it answers {headers['Allow']}"
    return problem(request.scope, status=status, code=status.name.lower(), detail=detail, headers=headers)


def _methods(routes: Sequence[BaseRoute], scope: Mapping[str, Any]) -> set[str]:
    """Return the methods that the request's path does answer; Starlette names those of the first route only."""
    answered = set()
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"):
        asked = {**scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in routes):
            answered.add(method)
    return answered


def _input_error(entry: Mapping[str, Any]) -> InputError:
    place, *path = entry["loc"]
    code, detail = entry["type"], entry["msg"]
    if place == "body":
        return InputError(code=code, detail=detail, pointer=pointer(path))
    return InputError(code=code, detail=detail, place=place, parameter=str(path[0]))


def _located(error: InputError) -> dict[str, str | int]:
    located: dict[str, str | int] = {"code": error.code, "detail": error.detail}
    if error.pointer is not None:
        located["pointer"] = error.pointer
    if error.place is not None and error.parameter is not None:
        located |= {"in": error.place, "parameter": error.parameter}
    if error.hint is not None:
        located["hint"] = error.hint
    if error.line is not None and error.column is not None:
        located |= {"line": error.line, "column": error.column}
    return located


def _family(kind: type[FlowForgeError]) -> Iterator[type[FlowForgeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
