"""The route class of every route: nothing reaches a handler that was not read strictly.

Stock FastAPI answers 500 to several of these bodies (a lone surrogate reaches the database driver, a deep nesting
overruns the stack) and takes others in silence (the last of two equal keys wins, an unknown filter is no filter).
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from flowforge.api.invalid import InputError, InvalidInput, MalformedInput
from flowforge.api.strict_json import parse_json
from flowforge.errors import PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES: Final = 1024 * 1024
"""The largest body that is read."""

MAX_PARAMETERS: Final = 100
"""How many parameters of a query string are looked at."""

_JSON: Final = "application/json"


class StrictRequest(Request):
    """A request whose JSON body has been read by this API's rules before FastAPI asks for it."""

    _text: bytes = b""
    _value: Any = None

    async def load(self, *, may_be_left_out: bool = False) -> None:
        """Read and parse the body; one that may be left out and is says nothing of its media type.

        Raises:
            UnsupportedMediaType: it is not declared as JSON in UTF-8.
            PayloadTooLarge: it is larger than `MAX_BODY_BYTES`; the rest is not read.
            MalformedInput, InvalidInput: see `parse_json`.
        """
        if may_be_left_out and "content-type" not in self.headers and not _has_body(self):
            return
        _check_media_type(self)
        self._text = await read_body(self)
        self._value = parse_json(self._text)

    async def body(self) -> bytes:
        """Return the body that `load` read."""
        return self._text

    async def json(self) -> Any:  # any JSON value
        """Return the value that `load` parsed."""
        return self._value


class StrictRoute(APIRoute):
    """A FastAPI route with strict bodies and query strings; its documentation is FastAPI's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the strict reading of its input."""
        handle = super().get_route_handler()
        parameters = frozenset(_query_parameters(self.dependant))
        has_body = self.body_field is not None
        may_be_left_out = self.body_field is not None and not self.body_field.field_info.is_required()

        async def strictly(request: Request) -> Response:
            if query := request.scope["query_string"]:
                _check_query(query, parameters)
            if has_body:
                request = StrictRequest(request.scope, request.receive)
                await request.load(may_be_left_out=may_be_left_out)
            return await handle(request)

        return strictly


def _query_parameters(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    for dependency in dependant.dependencies:
        names |= _query_parameters(dependency)
    return names


def _check_query(query: bytes, parameters: frozenset[str]) -> None:
    if query.count(b"&") > MAX_PARAMETERS:
        raise _bad_parameter("too_many_parameters", f"has more than {MAX_PARAMETERS} parameters", "query")
    seen: set[str] = set()
    for name, _ in parse_qsl(query.decode("ascii"), keep_blank_values=True):
        if name in seen:
            raise _bad_parameter("duplicate_parameter", "is given twice", name)
        if name not in parameters:
            raise _bad_parameter("unknown_parameter", "is not a parameter of this route", name)
        seen.add(name)


def _bad_parameter(code: str, detail: str, name: str) -> InvalidInput:
    return InvalidInput([InputError(code=code, detail=detail, place="query", parameter=name[:100])])


def _check_media_type(request: Request) -> None:
    declared = request.headers.get("content-type", "")
    if declared != _JSON:
        media_type, _, parameters = declared.partition(";")
        charset = parameters.replace(" ", "").replace('"', "").lower()
        if media_type.strip().lower() != _JSON or charset not in ("", "charset=utf-8"):
            raise UnsupportedMediaType("the body must be declared as Content-Type: application/json, in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("the body must not be compressed")


def _has_body(request: Request) -> bool:
    """Tell whether a request has a body, by its head: what is not declared is not there."""
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


async def read_body(request: Request) -> bytes:
    """Return the body as it came.

    Raises:
        PayloadTooLarge: it is larger than `MAX_BODY_BYTES`; the rest is not read.
        MalformedInput: its length is none.
    """
    too_large = PayloadTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise MalformedInput(
            [InputError(code="header_invalid", detail="is no length", place="header", parameter="Content-Length")]
        )
    if len(declared) > 15 or int(declared) > MAX_BODY_BYTES:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)
