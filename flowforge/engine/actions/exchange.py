"""One HTTP exchange with a stranger: what is sent, how much of the answer is read, and which errors may pass."""

import asyncio
import email.utils
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from flowforge.engine.actions.declaration import Failed, Refused

MAX_BODY_BYTES: Final = 1024 * 1024
"""How much of an answer's body is read, uncompressed; a longer one is refused."""

TIMEOUT_S: Final = 30.0
"""How long an exchange may take in all, where nobody says."""

_LONGEST_PAUSE: Final = timedelta(hours=1)
_TOLD_OF_BODY: Final = 2_000
_TOO_MANY_REQUESTS: Final = 429
_COMPRESSED: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An answer, read.

    Attributes:
        body: JSON where it says that it is JSON, else text; None where there is none.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


async def exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, Any] | None = None,
    content: bytes | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Exchange:
    """Send a request and read its answer, whatever its status is.

    Raises:
        EgressBlocked: the URL, or one that it redirects to, leads where it must not.
        Refused: the request cannot be sent (`bad_request`), the answer cannot be read (`response_too_large`,
            `unreadable_response`), or leads in circles (`too_many_redirects`).
        Failed: the connection was lost (`connection_lost`) or it took too long (`http_timeout`).
    """
    try:
        async with asyncio.timeout(timeout_s):
            request = client.build_request(
                method,
                url,
                params=None if query is None else httpx2.QueryParams(dict(query)),
                headers={"accept-encoding": "identity", **headers},
                content=content,
                # An answer may take all of its time to begin; only connecting has a limit of its own.
                timeout=httpx2.Timeout(timeout_s, connect=client.timeout.connect),
            )
            response = await client.send(request, stream=True)
            try:
                return _read(response, await _content(response))
            finally:
                await response.aclose()
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, ValueError, TypeError) as error:
        raise Refused("bad_request", f"{method} {url} cannot be sent: {error}") from error
    except httpx2.TooManyRedirects as error:
        raise Refused("too_many_redirects", f"{url} redirects too often") from error
    except (httpx2.TimeoutException, TimeoutError) as error:
        raise Failed("http_timeout", f"{method} {url} took too long") from error
    except httpx2.HTTPError as error:
        raise Failed("connection_lost", f"{method} {url}: {str(error) or type(error).__name__}") from error


def raise_for(answer: Exchange, url: str) -> None:
    """Raise what an answer means that nobody wanted.

    Raises:
        Failed: the other side may be able to answer later: 5xx or 429 (`http_503`), after Retry-After where it says so.
        Refused: it will not: any other status (`http_404`).
    """
    told = {"status": answer.status, "body": _told(answer.body)}
    code, message = f"http_{answer.status}", f"{url} answered {answer.status}"
    if answer.status >= 500 or answer.status == _TOO_MANY_REQUESTS:
        raise Failed(code, message, retry_after=_retry_after(answer.headers.get("retry-after")), details=told)
    raise Refused(code, message, details=told)


async def _content(response: httpx2.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large(response)
        parts.append(part)
    return _plain(response, b"".join(parts))


def _plain(response: httpx2.Response, content: bytes) -> bytes:
    """Return content without its compression, of which we asked for none, but no more of it than is allowed."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity" or not content:
        return content
    if encoding not in _COMPRESSED:
        raise Refused("unreadable_response", f"{response.url} answers in the encoding {encoding[:40]!r}")
    reader = zlib.decompressobj(_COMPRESSED[encoding])
    try:
        plain = reader.decompress(content, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Refused("unreadable_response", f"{response.url} answers with broken {encoding}") from error
    if len(plain) > MAX_BODY_BYTES:
        raise _too_large(response)
    if not reader.eof:
        raise Refused("unreadable_response", f"{response.url} answers with broken {encoding}")
    return plain


def _too_large(response: httpx2.Response) -> Refused:
    return Refused("response_too_large", f"{response.url} answers with more than {MAX_BODY_BYTES} bytes")


def _read(response: httpx2.Response, content: bytes) -> Exchange:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Exchange(status=response.status_code, headers=headers, body=_body(response, content))


def _body(response: httpx2.Response, content: bytes) -> Any:
    if not content:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(content, parse_constant=_no_json)
        except (ValueError, RecursionError) as error:
            if response.is_success:
                raise Refused("unreadable_response", f"{response.url} answers with broken JSON: {error}") from error
    try:
        return content.decode(response.charset_encoding or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _told(body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return body if len(text) <= _TOLD_OF_BODY else text[:_TOLD_OF_BODY] + "…"


def _retry_after(value: str | None) -> timedelta | None:
    """Return what Retry-After says, seconds or an instant; nothing that makes no sense, and no more than an hour."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(timedelta(seconds=int(value.strip()[:9])), _LONGEST_PAUSE)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    pause = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    return min(pause, _LONGEST_PAUSE) if pause > timedelta() else None
