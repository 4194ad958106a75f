"""One request, one answer: addresses, pages, streams, and problems as errors."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from flowforge.errors import FlowForgeError
from flowforge.remote.problems import NotUnderstood, Unreachable, problem_of

_PAGE: Final = 200
_CONNECT_S: Final = 5.0
# Longer than the API is ever silent on a stream of events.
_STREAM_TIMEOUT: Final = httpx2.Timeout(60.0, connect=_CONNECT_S)
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """A server-sent event; `id` is what a client that comes again sends as Last-Event-ID."""

    id: str | None
    event: str
    data: str


class Api:
    """Asks the API, as an async context manager.

    Every method raises ApiError where the API refuses, Unreachable where it is away, and NotUnderstood where something
    else answers; each with one line for people.

    Args:
        url: where it is.
        timeout_s: how long an answer may take, in seconds.
        hint: what is said besides when it is away or something else.

    Attributes:
        url: where it is, without a trailing slash.
    """

    def __init__(self, url: str, *, timeout_s: float = 30.0, hint: str = "") -> None:
        self.url: Final = url.rstrip("/")
        self._hint = hint
        try:
            host = httpx2.URL(self.url).host
        except httpx2.InvalidURL as error:
            raise FlowForgeError(f"{url!r} is no address of an API: {error}") from None
        timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        # The environment may name a proxy, and this machine is not behind it.
        self._http = httpx2.AsyncClient(timeout=timeout, trust_env=host not in _HERE)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def get(self, *path: str, **parameters: str | int | None) -> Any:
        """Return what is at a path."""
        return self._value(await self._ask("GET", self._address(*path), params=_given(parameters)))

    async def post(self, *path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
        """Ask for something to be done, and return the answer; the same key again asks for nothing more."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._value(await self._ask("POST", self._address(*path), json=body, headers=headers))

    async def send(self, *path: str, text: bytes, media_type: str, **parameters: str | int | None) -> Any:
        """Send a text as it is, and return the answer."""
        how = {"content": text, "headers": {"Content-Type": media_type}, "params": _given(parameters)}
        return self._value(await self._ask("POST", self._address(*path), **how))

    async def delete(self, *path: str) -> None:
        """Delete what is at a path."""
        self._value(await self._ask("DELETE", self._address(*path)))

    async def all(self, *path: str, at_most: int, **parameters: str | None) -> tuple[list[Any], bool]:
        """Return the entries of a list, page by page, and whether there are more than those."""
        address, entries = self._address(*path), list[Any]()
        query: dict[str, str | int] | None = {**_given(parameters), "limit": min(at_most, _PAGE)}
        while True:
            answer = await self._ask("GET", address, params=query)
            entries += self._value(answer)
            following = answer.links.get("next", {}).get("url")
            if following is None or len(entries) >= at_most:
                return entries[:at_most], following is not None or len(entries) > at_most
            address, query = f"{self.url}{following}", None

    @asynccontextmanager
    async def stream(self, *path: str, after: str | None = None) -> AsyncIterator[AsyncGenerator[ServerEvent, None]]:
        """Open a stream of events, from behind the event `after`; it gives them until the API closes it."""
        headers = {} if after is None else {"Last-Event-ID": after}
        try:
            async with self._http.stream(
                "GET", self._address(*path), headers=headers, timeout=_STREAM_TIMEOUT
            ) as answer:
                if not answer.is_success:
                    await answer.aread()
                    self._value(answer)
                yield _events(answer, after)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _address(self, *path: str) -> str:
        return "/".join((self.url, *(quote(part, safe="") for part in path)))

    async def _ask(self, method: str, address: str, **how: Any) -> httpx2.Response:
        try:
            return await self._http.request(method, address, **how)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        except httpx2.InvalidURL as error:
            raise FlowForgeError(f"{address!r} is no address: {error}") from None

    def _value(self, answer: httpx2.Response) -> Any:
        if answer.status_code == httpx2.codes.NO_CONTENT:
            return None
        try:
            value = answer.json()
        except ValueError:
            value = None
        if answer.is_success and value is not None:
            return value
        if not answer.is_success and isinstance(value, dict) and isinstance(value.get("detail"), str):
            raise problem_of(answer.status_code, value)
        hint = f"; {self._hint}" if self._hint else ""
        raise NotUnderstood(f"{self.url} answered {answer.status_code}, and not as FlowForge does{hint}")

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = f" {self._hint}" if self._hint else ""
        return Unreachable(f"the API at {self.url} does not answer ({reason}); is it running?{hint}")


async def _events(answer: httpx2.Response, after: str | None) -> AsyncGenerator[ServerEvent, None]:
    if answer.status_code == httpx2.codes.NO_CONTENT:
        # It has ended, and `after` was its last event.
        yield ServerEvent(id=after, event="end", data="")
    said: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            said[name] = value
        elif not line and said:
            yield ServerEvent(id=said.get("id"), event=said.get("event", ""), data=said.get("data", ""))
            said = {}


def _given(parameters: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in parameters.items() if value is not None}
