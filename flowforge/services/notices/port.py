"""What the saga needs to tell customers something."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.services.notices.contracts import Notice, NoticeSent, SendNotice


class Notices(Protocol):
    """Messages to customers."""

    async def send(self, request: SendNotice) -> NoticeSent:
        """Tell a customer something, once. Operation `notices.send`; what was said cannot be unsaid.

        Raises:
            DatabaseUnavailable: nothing was sent; try again.
        """
        ...

    async def sent(self, order_id: str) -> Sequence[Notice]:
        """Return what was told about an order, the newest first."""
        ...
