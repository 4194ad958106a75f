"""An HTTP client for URLs that users give: it resolves a name once, asks the policy, and connects to that address.

The check sits where connections are made, so that redirects pass it too and nothing can be resolved anew in between.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import httpcore2
import httpx2

from flowforge.errors import EgressBlocked
from flowforge.security.egress import VARIABLE, EgressPolicy

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, the best first; raises OSError where there are none."""

_MOST_CONNECTIONS: Final = 100
_HIGHEST_PORT: Final = 65_535


def outbound_client(policy: EgressPolicy, *, timeout_s: float, resolve: Resolve | None = None) -> httpx2.AsyncClient:
    """Return a client that follows up to five redirects and takes nothing from the environment.

    Args:
        policy: where it may connect to.
        timeout_s: how long connecting, sending and every read may take, in seconds, where a request does not say.
        resolve: what a name means; the system's resolver by default.

    Its requests raise EgressBlocked, besides what httpx2 raises.
    """
    return httpx2.AsyncClient(
        transport=_PinnedTransport(_PinnedBackend(policy, resolve or _resolve)),
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=True,
        max_redirects=5,
    )


class _PinnedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport over connections that our backend makes."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        super().__init__(trust_env=False)
        # The base class has no argument for a backend; what it knows about requests and errors is worth keeping.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=_MOST_CONNECTIONS,
            network_backend=backend,
        )


class _PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the first permitted address of a host, by that address."""

    def __init__(self, policy: EgressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if port > _HIGHEST_PORT:  # the resolver would call it an error that may pass
            raise httpx2.InvalidURL(f"{port} is no port, which is a number from 1 to {_HIGHEST_PORT}")
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"{host} was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be resolved: {error}") from error
        permitted = [address for address in addresses if self._policy.permits(host, address)]
        if not permitted:
            raise EgressBlocked(f"{host} is at an address that may not be reached; {VARIABLE} can allow it")
        failure: Exception | None = None
        for address in permitted:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        assert failure is not None  # noqa: S101 -- for the type: there was an address
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 -- the signature is httpcore's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        raise EgressBlocked(f"{path} is a socket of this machine; no setting can allow it")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
