"""What surrounds every request: its id, the context of its log lines, a readable address, and an answer come what may.

One plain ASGI callable: it is on the way of every order.
"""

import re
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowforge.api.invalid import InputError, MalformedInput
from flowforge.api.problems import internal_problem, problem
from flowforge.ids import new_request_id

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_QUIET: Final = frozenset({"/health", "/ready"})


class RequestFrame:
    """ASGI middleware around every request.

    - Takes X-Request-ID where it is an identifier, makes one up otherwise, and returns it.
    - Binds request_id to every log line written while the request is served, and writes one when it was.
    - Refuses addresses that are not UTF-8 or hold a NUL (400).
    - Answers an error that nobody foresaw with a problem document (500), and logs it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log: Any = structlog.get_logger("flowforge.api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _request_id(scope)
        # uvicorn hands every request a copy of the application's state; what is added here is this request's.
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        tokens = structlog.contextvars.bind_contextvars(request_id=request_id)
        returned = (b"x-request-id", request_id.encode())
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], returned]
            await send(message)

        try:
            _check_address(scope)
            await self._app(scope, receive, answer)
        except MalformedInput as error:
            refusal = problem(scope, status=error.status, code=error.code, detail=error.message, errors=error.errors)
            await refusal(scope, receive, answer)
        except ClientDisconnect:
            status = 499
        except Exception:
            self._log.exception("request failed", method=scope["method"], path=scope["path"])
            if status:
                raise
            await internal_problem(scope)(scope, receive, answer)
        finally:
            if scope["path"] not in _QUIET:
                self._log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    duration_ms=round((perf_counter() - began) * 1000, 1),
                    **state.get("logged", {}),
                )
            structlog.contextvars.reset_contextvars(**tokens)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            given: bytes = value
            return given.decode()
    return new_request_id()


def _check_address(scope: Scope) -> None:
    """Refuse what servers would decode to replacement characters, and so take one address for another."""
    raw: bytes = scope.get("raw_path") or b""
    query: bytes = scope["query_string"]
    if b"%" not in raw and not query:
        return
    for part, place in ((raw, "path"), (query, "query")):
        try:
            part.decode("ascii")
            decoded = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            raise _malformed(place, "is not UTF-8 in percent-escapes") from None
        if "\0" in decoded:
            raise _malformed(place, "holds a NUL character")


def _malformed(place: str, detail: str) -> MalformedInput:
    error = InputError(
        code="address_invalid", detail=detail, parameter=place, place="path" if place == "path" else "query"
    )
    return MalformedInput([error])
