"""Files of tests: `order.test.yaml` beside `order.yaml`, read into cases."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from flowforge.engine.actions.declaration import Failed, Refused, Wait
from flowforge.engine.definition.document import read
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.problems import DefinitionRefused
from flowforge.engine.durations import parse
from flowforge.engine.validation.examine import examine, examine_value
from flowforge.testing.mocks import Hangs, Returns, Takes

SUFFIX = ".test.yaml"
"""How files of tests end."""


class TestFileError(Exception):
    """A file of tests that cannot be understood."""

    __test__ = False


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class Expectation(_Strict):
    """What a case expects; of what it does not name nothing is expected.

    Attributes:
        status: what the run is called.
        error: the code with which it failed.
        steps: the steps in the order in which they were started, or what became of some of them.
        undo: the undos in the order in which they were started.
        attempts: how many attempts units of work took.
        output: what the run gave back.
        context: values in its context, by path.
        wrong: what is wrong in the end, by step; only for cases that tell a story.
    """

    status: str | None = None
    error: str | None = None
    steps: list[str] | dict[str, str] | None = None
    undo: list[str] | None = None
    attempts: dict[str, int] | None = None
    output: Any = None
    context: dict[str, Any] = Field(default_factory=dict)
    wrong: dict[str, str] | None = None


class Act(_Strict):
    """One thing that is done to a run that waits: exactly one of its keys is given.

    Attributes:
        signal: the name of an event that is sent.
        resume: whoever waits first is woken with this.
        cancel: why the run is called off.
        let_pass: how much time passes.
        pause: the run is paused.
        compensate: a held run is undone.
        data: what comes with the event.
    """

    signal: str | None = None
    resume: Any = None
    cancel: str | None = None
    let_pass: str | float | None = None
    pause: Literal[True] | None = None
    compensate: Literal[True] | None = None
    data: Any = None


class Case(_Strict):
    """One test.

    Attributes:
        name: what it is about.
        input: what the run is given.
        mocks: what stands in for actions; see `mock_of`.
        then: what is done to the run once it waits.
        happens: a story, in the place of mocks: `{step: what happens}`, as a proof tells it.
        expect: what comes of it.
    """

    name: str
    input: dict[str, Any] | None = None
    mocks: dict[str, Any] = Field(default_factory=dict)
    then: tuple[Act, ...] = ()
    happens: tuple[dict[str, str], ...] | None = None
    expect: Expectation


class _File(_Strict):
    workflow: str | dict[str, Any]
    workflows: tuple[str, ...] = ()
    input: dict[str, Any] | None = None
    mocks: dict[str, Any] = Field(default_factory=dict)
    cases: tuple[Case, ...] = Field(min_length=1)


class TestFile:
    """A file of tests.

    Attributes:
        definition: what is tested.
        others: the definitions that it runs as its children.
        input: what a run is given in every case that does not say otherwise.
        mocks: the same of what stands in for actions.
        cases: the tests.
    """

    __test__ = False

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            TestFileError: it, or a definition that it names, cannot be understood.
        """
        try:
            found = _File.model_validate(read(path.read_bytes(), form="yaml").value)
            self.definition = _definition(found.workflow, path.parent)
            self.others = tuple(_definition(other, path.parent) for other in found.workflows)
        except (OSError, DefinitionRefused) as error:
            raise TestFileError(f"{path}: {error}") from error
        except ValidationError as error:
            told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise TestFileError(f"{path}: {'; '.join(told)}") from error
        self.input = found.input
        self.mocks = found.mocks
        self.cases = found.cases


def mock_of(value: Any) -> Any:
    """Return the mock that a file's value stands for.

    An object with one of the keys `returns`, `refuses`, `faults`, `hangs`, `waits` says how the action answers, with
    `takes` for how long it takes; a list is one answer after the other; anything else is the result itself.
    """
    if isinstance(value, list):
        return [mock_of(each) for each in value]
    if not isinstance(value, dict):
        return value
    rest = {key: part for key, part in value.items() if key not in {"takes", "message"}}
    if len(rest) > 1:
        return value
    message = str(value.get("message", "as the test says"))
    match rest:
        case {"returns": result}:
            mock: Any = Returns(result)
        case {"refuses": str(code)}:
            mock = Refused(code, message)
        case {"faults": str(code)}:
            mock = Failed(code, message)
        case {"hangs": True}:
            mock = Hangs()
        case {"waits": str(event)}:
            mock = Wait(event)
        case _:
            return value
    return Takes(_length(value["takes"]), mock) if "takes" in value else mock


def _length(value: Any) -> timedelta:
    return parse(value)


def _definition(source: str | dict[str, Any], folder: Path) -> Definition:
    if isinstance(source, str):
        return examine((folder / source).read_bytes()).accepted()
    return examine_value(source).accepted()
