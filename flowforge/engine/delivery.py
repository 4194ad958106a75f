"""Delivers what definitions' webhooks are to be told: beside the runs, in every worker, one of them at a time.

The address sees every message at least once, and those of one run in their order; a repeat has the same id. One that
fails is tried again for about a day, and then given up and listed by the audit.

No request begins that could outlast the lease, and nothing of a turn is sent any more once another process has had it:
that one may be further on. Only a process that freezes between the two, for seconds, can still tell old news.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2

from flowforge.engine.actions.declaration import Failed, Refused
from flowforge.engine.actions.exchange import exchange, raise_for
from flowforge.engine.actions.signing import signed_headers
from flowforge.engine.store.outbox import Due, delivered, due, failed
from flowforge.errors import EgressBlocked, Fault
from flowforge.persistence.database import Database
from flowforge.persistence.leases import hold

DELIVERY: Final = "webhooks"
"""The lease of the process that delivers."""

PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 300, 1800, 7200, 18_000, 36_000, 36_000))
"""After each failed attempt; then it is given up."""

AT_ONCE: Final = 16
"""How many requests are under way at a time."""

_INTERVAL: Final = timedelta(seconds=1)
_TIMEOUT_S: Final = 10.0
_LASTS: Final = timedelta(seconds=2.5 * _TIMEOUT_S)
"""A request begins with no less than half of it left, which is longer than a request takes."""

_MOST: Final = 100
_GONE: Final = "http_410"

_LOG: Final = logging.getLogger(__name__)


class WebhookDelivery:
    """Delivers, turn by turn, whenever it is this process that holds the lease.

    Args:
        client: goes only where it may.
        database: where what is to be told waits.
        keys: sign, each of them.
        holder: this process's name among all; never used by another.
        interval: between two looks, where nothing is left.
        lasts: for how long the lease is held; half of it outlasts a request.
        pauses: after each failed attempt.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        database: Database,
        keys: Sequence[bytes],
        *,
        holder: str,
        interval: timedelta = _INTERVAL,
        lasts: timedelta = _LASTS,
        pauses: Sequence[timedelta] = PAUSES,
    ) -> None:
        self._client = client
        self._database = database
        self._keys = keys
        self._holder = holder
        self._interval = interval
        self._lasts = lasts
        self._pauses = pauses
        self._held_until: datetime | None = None
        self._term = 0
        self._asking = asyncio.Lock()

    async def run(self) -> None:
        """Take turns until cancelled; what goes wrong is tried again."""
        is_in_trouble = False
        while True:
            found = 0
            try:
                found = await self.turn()
                is_in_trouble = False
            except Fault as fault:
                if not is_in_trouble:
                    _LOG.warning("webhooks are not delivered for now: %s", fault.message)
                is_in_trouble = True
            except Exception:  # noqa: BLE001 -- a worker does not end because of what it does besides
                _LOG.exception("a turn of the webhooks' delivery failed; it goes on with the next")
            if not found:
                await asyncio.sleep(self._interval.total_seconds())

    async def turn(self) -> int:
        """Deliver what is due, as long as it is this process that delivers; return how much that was.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        term = await self._hold()
        if term is None:
            return 0
        found = await self._database.read(due, datetime.now(UTC), limit=_MOST)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(each: Due) -> bool:
            async with places:
                if await self._hold() != term:
                    return False
                await self._deliver(each)
                return True

        # All of them end before the turn does, whatever one comes to: the next turn finds what they have left.
        ends = await asyncio.gather(*map(one, found), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return ends.count(True)

    async def _hold(self) -> int | None:
        """Hold the lease for longer than a request takes; return which term this is, None where another holds it.

        A term ends when another process has held the lease since, be it ours again.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        async with self._asking:
            now = datetime.now(UTC)
            if self._held_until is None or now > self._held_until - self._lasts / 2:
                lease = await self._database.write(hold, DELIVERY, self._holder, self._lasts)
                self._held_until = now + self._lasts if lease.is_held else None
                self._term += lease.before is not None
            return None if self._held_until is None else self._term

    async def _deliver(self, each: Due) -> None:
        body = json.dumps(each.payload, separators=(",", ":")).encode()
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            **signed_headers(self._keys, str(each.payload["id"]), now, body),
        }
        try:
            answer = await exchange(self._client, "POST", each.url, headers=headers, content=body, timeout_s=_TIMEOUT_S)
            if not 200 <= answer.status < 300:
                raise_for(answer, each.url)
        except (Refused, Failed, EgressBlocked) as error:
            await self._failed(each, error)
        else:
            await self._database.write(delivered, each)

    async def _failed(self, each: Due, error: Refused | Failed | EgressBlocked) -> None:
        pause = None if each.attempts >= len(self._pauses) or error.code == _GONE else self._pauses[each.attempts]
        if pause is not None and isinstance(error, Failed) and error.retry_after is not None:
            pause = max(pause, error.retry_after)
        told = f"{error.code}: {error.message}"
        await self._database.write(failed, each, told, now=datetime.now(UTC), pause=pause)
        if pause is None:
            labels = {"execution_id": each.execution_id}
            _LOG.error("a webhook is given up after %d attempts: %s", each.attempts + 1, told, extra=labels)
