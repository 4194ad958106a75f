"""The canonical definition of a process, the one form that everything else works with."""

from typing import Any, Literal

from pydantic import Field

from flowforge.engine.definition.step import Step
from flowforge.engine.definition.strict import Schema, Strict, Timeout

FailurePolicy = Literal["compensate", "hold"]


class Webhooks(Strict):
    """Addresses that are told of a run.

    Attributes:
        on_complete: when a run completes.
        on_failure: when one ends in any other way.
        on_step: when a step ends.
    """

    on_complete: str | None = None
    on_failure: str | None = None
    on_step: str | None = None

    @property
    def by_name(self) -> dict[str, str]:
        """Those that are there, by the names that they have in definitions."""
        known = {"onComplete": self.on_complete, "onFailure": self.on_failure, "onStep": self.on_step}
        return {name: url for name, url in known.items() if url is not None}


class Trigger(Strict):
    """What starts a run by itself.

    Attributes:
        event: the event's name.
        condition: an expression over the event's data; false starts nothing.
    """

    event: str
    condition: str | None = None


class Definition(Strict):
    """A process: its steps form a graph by `dependsOn`, or a state machine from `initialStepId` by `transitions`.

    Attributes:
        id: its name in requests.
        name: its name for people.
        description: what it is for.
        version: a label of the author's; revisions are counted apart from it.
        input_schema: a JSON Schema that a run's input must meet.
        steps: its steps.
        output: what a completed run gives back, with `${path}` in its strings.
        timeout: how long a run may go forward; then it is undone.
        failure_policy: `compensate` undoes a failed run, `hold` waits for an operator first.
        webhooks: addresses that are told of runs.
        triggers: what starts runs; stored.
        metadata: labels of the author's.
        initial_step_id: the first step of a state machine; None for a graph.
    """

    id: str
    name: str | None = None
    description: str | None = None
    version: str | None = None
    input_schema: Schema | None = None
    steps: tuple[Step, ...] = Field(min_length=1)
    output: Any = None
    timeout: Timeout | None = None
    failure_policy: FailurePolicy = "compensate"
    webhooks: Webhooks | None = None
    triggers: tuple[Trigger, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)
    initial_step_id: str | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.id

    @property
    def is_state_machine(self) -> bool:
        """Whether its steps follow one another by transitions."""
        return self.initial_step_id is not None

    def canonical(self) -> dict[str, Any]:
        """Return its JSON form: every default left out, durations in one writing."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
