"""What is known of actions where none of them runs: the bundled ones, and those of ACTIONS."""

from collections.abc import Iterable

from flowforge.engine.actions.basic import basic_actions
from flowforge.engine.actions.http_request import HTTP_REQUEST
from flowforge.engine.actions.loading import actions_of, load_actions
from flowforge.engine.actions.samples.customers import CustomerSamples
from flowforge.engine.actions.samples.orders import OrderSamples
from flowforge.engine.actions.samples.processes import process_samples
from flowforge.engine.actions.samples.records import SampleRecords
from flowforge.engine.actions.samples.transfers import TransferSamples
from flowforge.engine.actions.services import ServiceActions
from flowforge.engine.actions.transform import Transform
from flowforge.engine.actions.webhook import WEBHOOK
from flowforge.engine.validation.catalogue import ActionFacts


class KnownActions:
    """The facts of actions, by name; implements ActionCatalogue.

    Args:
        modules: modules with actions of one's own, as ACTIONS has them.

    Raises:
        StartupError: a module cannot be loaded.
    """

    def __init__(self, modules: str = "") -> None:
        bundled = (OrderSamples, TransferSamples, CustomerSamples, ServiceActions, Transform)
        # Made without what they work with: they are only asked what they take.
        made = [each for kind in bundled for each in actions_of(kind.__new__(kind))]
        processes = process_samples(SampleRecords.__new__(SampleRecords))
        actions = (HTTP_REQUEST, WEBHOOK, *made, *processes, *basic_actions(), *load_actions(modules))
        self._facts = {each.name: each.facts for each in actions}

    def find(self, name: str) -> ActionFacts | None:
        """See ActionCatalogue.find."""
        return self._facts.get(name)

    def names(self) -> Iterable[str]:
        """See ActionCatalogue.names."""
        return self._facts.keys()
