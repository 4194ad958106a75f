"""The two shells of the interpreter do the same: every case passes in virtual time, and on a real Temporal.

A case is data: a definition, what its actions do, what is done to its run when, and what comes of it. The files beside
this one hold them. On Temporal all of them are played at once, by one worker.

Those with steps that may run inside a workflow task are played a second time with every action fenced: the same comes
of them, but that a run that turns back also undoes those steps that it never began.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

from flowforge.engine.placing import local_effects
from flowforge.persistence.migrations.migrate import migrate
from flowforge.testing.cases import run_case
from flowforge.testing.documents import SUFFIX, Play, TestFile
from flowforge.testing.seen import Seen, differences
from tests.engine_cases.temporal import OPTIONS, Fenced, open_theatre


@dataclass(frozen=True)
class Named:
    """A case under its name."""

    name: str
    play: Play


def _cases() -> Iterator[Named]:
    for file in sorted(Path(__file__).parent.glob(f"*{SUFFIX}")):
        for play in TestFile(file).plays:
            yield Named(f"{file.name.removesuffix(SUFFIX)}: {play.case.name}", play)


CASES = list(_cases())
"""All of them, by the order of their files."""


LOCAL = [case for case in CASES if local_effects(case.play.definition, Fenced())]
"""Those with steps that may run inside a workflow task, if their actions are fenced."""


@pytest.fixture(scope="module")
async def played(
    request: pytest.FixtureRequest, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, "asyncio.Task[Seen]"]]:
    """All cases that this run of the tests is about, being played on Temporal."""
    async for tasks in _playing(request, client, tmp_path_factory.mktemp("cases"), fenced=False):
        yield tasks


@pytest.fixture(scope="module")
async def played_fenced(
    request: pytest.FixtureRequest, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, "asyncio.Task[Seen]"]]:
    """The same with every action fenced."""
    async for tasks in _playing(request, client, tmp_path_factory.mktemp("fenced"), fenced=True):
        yield tasks


async def _playing(
    request: pytest.FixtureRequest, client: Client, folder: Path, *, fenced: bool
) -> AsyncIterator[dict[str, "asyncio.Task[Seen]"]]:
    url = f"sqlite:///{folder / 'cases.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    wanted = {
        item.callspec.params["case"].name
        for item in request.session.items
        if hasattr(item, "callspec") and ("played_fenced" if fenced else "played") in item.fixturenames  # type: ignore[attr-defined]  # functions have them
    }
    async with open_theatre(client, url, fenced=fenced) as theatre:
        tasks = {
            case.name: asyncio.create_task(theatre.play(case.name, case.play)) for case in CASES if case.name in wanted
        }
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def test_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_comes_out_as_it_says_in_virtual_time(case: Named) -> None:
    result = run_case(case.play, OPTIONS)
    assert result.differences == (), result.failure


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case_comes_out_the_same_on_temporal(case: Named, played: dict[str, "asyncio.Task[Seen]"]) -> None:
    seen = await played[case.name]
    assert list(differences(case.play.case.expect, seen)) == []
    virtual = run_case(case.play, OPTIONS).seen
    assert virtual is not None
    assert _told(seen, case.play) == _told(virtual, case.play)


@pytest.mark.parametrize("case", LOCAL, ids=lambda case: case.name)
async def test_case_comes_out_the_same_inside_the_workflow_task(
    case: Named, played_fenced: dict[str, "asyncio.Task[Seen]"]
) -> None:
    seen = await played_fenced[case.name]
    virtual = run_case(case.play, OPTIONS).seen
    assert virtual is not None
    unseen = len(seen.undone) - len(virtual.undone)
    first = set(seen.undone[:unseen])
    told, expected = _told(seen, case.play, without=first), _told(virtual, case.play, without=first)
    told["undone"] = seen.undone[unseen:]
    if unseen and expected["status"] == "failed":
        expected["status"] = "compensated"
    assert told == expected
    assert first <= set(local_effects(case.play.definition, Fenced()))


def _told(seen: Seen, play: Play, *, without: Collection[str] = ()) -> dict[str, object]:
    views = {step.id: seen.view_of(step.id) for step in play.definition.steps if step.id not in without}
    return {
        "status": seen.status,
        "error": seen.error,
        "started": seen.started,
        "undone": seen.undone,
        "output": seen.output,
        "views": views,
    }
