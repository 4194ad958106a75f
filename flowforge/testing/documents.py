"""Files of tests: `order.test.yaml` beside `order.yaml`, read into cases."""

from dataclasses import dataclass
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
from flowforge.testing.mocks import Hangs, Insists, Returns, Takes

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
    """One thing that is done to a run, once it waits for somebody or at a moment that `at` names.

    Attributes:
        at: the unit of work whose action has just been called: `charge`, `each[2]`, `undo charge`.
        signal: the name of an event that is sent.
        resume: whoever waits first is woken with this.
        cancel: why the run is called off.
        let_pass: how much time passes.
        pause: the run is paused.
        compensate: a held run is undone.
        retry: a held run goes on from this step, or from every one that failed (`true`).
        retry_undo: the undos of this step are tried again that failed for good.
        write_off: they are given up.
        expect: how it is then.
        data: what comes with the event; for `retry`, results and input keys that are edited first.
    """

    at: str | None = None
    signal: str | None = None
    resume: Any = None
    cancel: str | None = None
    let_pass: str | float | None = None
    pause: Literal[True] | None = None
    compensate: Literal[True] | None = None
    retry: str | Literal[True] | None = None
    retry_undo: str | None = None
    write_off: str | None = None
    expect: Expectation | None = None
    data: Any = None


class Case(_Strict):
    """One test.

    Attributes:
        name: what it is about.
        workflow: what is run, where it is not what the file says: a definition, its file, or the id of one of
            `workflows`, which are what it may run as its children.
        input: what the run is given.
        mocks: what stands in for actions; see `mock_of`.
        then: what is done to the run, one after the other.
        happens: a story, in the place of mocks: `{step: what happens}`, as a proof tells it.
        expect: what comes of it.
    """

    name: str
    workflow: str | dict[str, Any] | None = None
    workflows: tuple[str | dict[str, Any], ...] | None = None
    input: dict[str, Any] | None = None
    mocks: dict[str, Any] = Field(default_factory=dict)
    then: tuple[Act, ...] = ()
    happens: tuple[dict[str, str], ...] | None = None
    expect: Expectation


class _File(_Strict):
    workflow: str | dict[str, Any] | None = None
    workflows: tuple[str | dict[str, Any], ...] = ()
    input: dict[str, Any] | None = None
    mocks: dict[str, Any] = Field(default_factory=dict)
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A case, with all that it takes from its file.

    Attributes:
        case: the test.
        definition: what is tested.
        others: the definitions that it runs as its children.
        input: what the run is given.
        mocks: what stands in for actions, as the harness takes it.
    """

    case: Case
    definition: Definition
    others: tuple[Definition, ...]
    input: dict[str, Any] | None
    mocks: dict[str, Any]


class TestFile:
    """A file of tests.

    Attributes:
        plays: its cases.
    """

    __test__ = False

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            TestFileError: it, or a definition that it names, cannot be understood.
        """
        try:
            found = _File.model_validate(read(path.read_bytes(), form="yaml").value)
            self.plays = tuple(_play(found, case, path.parent) for case in found.cases)
        except (OSError, DefinitionRefused) as error:
            raise TestFileError(f"{path}: {error}") from error
        except ValidationError as error:
            told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise TestFileError(f"{path}: {'; '.join(told)}") from error


def _play(file: _File, case: Case, folder: Path) -> Play:
    others = [_definition(other, folder) for other in (file.workflows if case.workflows is None else case.workflows)]
    source = file.workflow if case.workflow is None else case.workflow
    if source is None:
        raise TestFileError(f"{case.name}: there is no workflow to test")
    definition = next((other for other in others if other.id == source), None) or _definition(source, folder)
    return Play(
        case=case,
        definition=definition,
        others=tuple(other for other in others if other is not definition),
        input=file.input if case.input is None else case.input,
        mocks={name: mock_of(value) for name, value in {**file.mocks, **case.mocks}.items()},
    )


def mock_of(value: Any) -> Any:
    """Return the mock that a file's value stands for.

    An object with one of the keys `returns`, `refuses`, `faults`, `hangs`, `insists`, `waits` says how the action
    answers, with `takes` for how long it takes; a list is one answer after the other; anything else is the result.
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
        case {"insists": result}:
            mock = Insists(result)
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
