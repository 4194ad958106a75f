"""Server-sent events (the WHATWG's `text/event-stream`), written as they come and ended when the client goes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

HEARTBEAT: Final = b": heartbeat\n\n"
"""A comment: readers skip it, and proxies see that the connection lives."""


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
