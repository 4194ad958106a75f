"""Server-sent events (the WHATWG's `text/event-stream`), written as they come and ended when the client goes."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Header
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from flowforge.api.feed import Feed
from flowforge.api.invalid import bad_header

LastEventId = Annotated[
    str | None, Header(description="The id of the last event the client knows; the stream goes on after it.")
]
"""What a client sends that takes a stream up again; see `known_event`."""

HEARTBEAT: Final = b": heartbeat\n\n"
"""A comment: readers skip it, and proxies see that the connection lives."""

_EVENT_ID: Final = re.compile(r"[0-9]{1,15}")


def known_event(last_event_id: str | None) -> int:
    """Return the id of the last event that a client knows; 0 for none.

    Raises:
        BadRequest: the header is no id of an event.
    """
    if last_event_id is not None and _EVENT_ID.fullmatch(last_event_id) is None:
        raise bad_header("Last-Event-ID", "must be the id of an event")
    return int(last_event_id or 0)


async def frames(
    feed: Feed, name: str, *, after: int, heartbeat: timedelta, data_of: Callable[[Any], bytes]
) -> AsyncGenerator[bytes, None]:
    """Yield an order's or a run's events as frames, and an `end` with its status where it has ended.

    Args:
        feed: where they come from.
        name: the order or run, as the feed knows it.
        after: the id of the last event that the client knows.
        heartbeat: the longest silence.
        data_of: makes an event's data, one line of JSON.
    """
    async with feed.watch(name, after=after) as watch:
        while not watch.over:
            events = await watch.next(heartbeat)
            for event in events:
                yield frame(data_of(event), event_id=event.id)
            if not events and not watch.over:
                yield HEARTBEAT
        if watch.has_ended:
            yield frame(json.dumps({"status": watch.status}).encode(), event="end")


def frame(data: bytes, *, event: str | None = None, event_id: int | None = None) -> bytes:
    """Return one event as it goes over the wire.

    Args:
        data: its data in one line, UTF-8.
        event: its type; None for the default, `message`.
        event_id: what a client that reconnects sends as Last-Event-ID.
    """
    lines = [b"data: " + data, b"", b""]
    if event is not None:
        lines.insert(0, b"event: " + event.encode())
    if event_id is not None:
        lines.insert(0, b"id: %d" % event_id)
    return b"\n".join(lines)


class EventStream(StreamingResponse):
    """A response that sends frames until there are no more or the client has gone, whichever is first.

    Starlette's own notices that a client went only when it next sends, which here may be a heartbeat away.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes, None]) -> None:
        super().__init__(frames, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._frames = frames

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sender = asyncio.create_task(self._send(send))
        listener = asyncio.create_task(_client_gone(receive))
        try:
            await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sender.cancel()
            listener.cancel()
            await asyncio.wait({sender, listener})
        if not sender.cancelled() and (error := sender.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        # The generator holds the watch: closed here, it lets go of it at once and not when it is collected.
        async with aclosing(self._frames) as frames:
            async for data in frames:
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
