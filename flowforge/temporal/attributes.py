"""Search attributes of ours: whether a namespace has them, and making them where it has not."""

import asyncio
import logging
import time
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

_TIMEOUT: Final = timedelta(seconds=5)
_KEYWORD: Final = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_LOG: Final = logging.getLogger(__name__)


class Keywords:
    """Search attributes that hold one word each, in the namespace of this process.

    That it has them is remembered until somebody doubts it. So is for a while that it has not: not every Temporal lets
    us make them, and then nobody is to ask at every start.

    Args:
        names: their names.
        again_s: after how many seconds a namespace that has not got them is asked again.
    """

    def __init__(self, *names: str, again_s: float = 10.0) -> None:
        self._names = names
        self._again_s = again_s
        self._asking = asyncio.Lock()
        self._are_there = False
        self._asked_at = -again_s
        self._trouble: str | None = None

    async def provide(self, client: Client) -> bool:
        """Tell whether the client's namespace has all of them, having made those that were missing where we may.

        A Temporal that does not answer has none: whoever needs it finds that out.
        """
        async with self._asking:
            if not self._are_there and time.monotonic() - self._asked_at >= self._again_s:
                self._are_there = await self._ask(client)
                self._asked_at = time.monotonic()
            return self._are_there

    def doubt(self) -> None:
        """Ask again before the next answer: what was known is not so any more."""
        self._are_there = False
        self._asked_at = -self._again_s

    async def _ask(self, client: Client) -> bool:
        try:
            missing = await self._missing(client)
            if missing:
                wanted = AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=dict.fromkeys(missing, _KEYWORD)
                )
                await client.operator_service.add_search_attributes(wanted, timeout=_TIMEOUT)
                missing = await self._missing(client)
        except RPCError as error:
            self._tell(" ".join(str(error).split()))
            return False
        self._tell(f"{', '.join(missing)} are missing still, or are no keywords" if missing else None)
        return not missing

    async def _missing(self, client: Client) -> list[str]:
        found = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_TIMEOUT
        )
        return [name for name in self._names if found.custom_attributes.get(name) != _KEYWORD]

    def _tell(self, trouble: str | None) -> None:
        """Say what is wrong; once."""
        if trouble is not None and trouble != self._trouble:
            _LOG.warning(
                "what is started is not found by %s in Temporal's lists for now: %s",
                *(", ".join(self._names), trouble),
            )
        self._trouble = trouble
