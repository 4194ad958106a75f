"""The notices' step as a Temporal activity."""

from dataclasses import replace

from temporalio import activity

from flowforge.services.delivery import Delivery
from flowforge.services.notices.contracts import NoticeSent, SendNotice
from flowforge.services.notices.port import Notices


class NoticeActivities:
    """Delivers the saga's calls to whoever tells customers. Errors are those of the port, as Delivery makes them."""

    def __init__(self, notices: Notices, delivery: Delivery) -> None:
        self._notices = notices
        self._delivery = delivery

    @activity.defn(name="notices.send")
    async def send(self, request: SendNotice) -> NoticeSent:
        """Tell a customer something; nothing to undo."""
        return await self._delivery.run(
            request.call, "notices.send", lambda call: self._notices.send(replace(request, call=call))
        )
