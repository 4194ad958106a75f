"""Values that are too large for a run to carry: kept once, given back as they were, as large as a run reckons."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowforge.engine.sizes import size_of
from flowforge.engine.store.values import RunValues
from flowforge.persistence.database import Database

VALUES: list[Any] = [
    None,
    7,
    2**70,
    "plain",
    "Grüße, 世界 🚚",
    "\x00",
    "half \ud83d",
    {"a": [1.5, True], "é\udc00": {}},
]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(database_url)
    yield database
    await database.close()


async def test_any_value_is_kept_it_comes_back_as_it_was_with_its_size(database: Database) -> None:
    values = RunValues(database)
    for at, value in enumerate(VALUES):
        stored = await values.keep(f"exec-1:{at}", value)
        assert stored.size == size_of(value)
        assert await values.fetch({"it": stored}) == {"it": value}


async def test_list_is_kept_it_comes_back_whole_with_the_size_of_its_parts(database: Database) -> None:
    values = RunValues(database)
    stored = await values.keep_list("exec-1:items", VALUES)
    assert (stored.count, stored.size) == (len(VALUES), sum(map(size_of, VALUES)))
    assert await values.fetch({"all": stored}) == {"all": VALUES}


async def test_name_is_taken_what_was_kept_first_stays_and_is_told(database: Database) -> None:
    values = RunValues(database)
    first = await values.keep("exec-1:a", "first", part=3)
    assert await values.keep("exec-1:a", "the second one", part=3) == first
    listed = await values.keep_list("exec-1:items", ["a", "b"])
    assert await values.keep_list("exec-1:items", ["longer"] * 9) == listed
    assert await values.fetch({"one": first, "all": listed}) == {"one": "first", "all": ["a", "b"]}


async def test_list_is_empty_nothing_is_kept(database: Database) -> None:
    values = RunValues(database)
    stored = await values.keep_list("exec-1:items", [])
    assert (stored.count, stored.size) == (0, 0)
    assert await values.fetch({"all": stored}) == {"all": []}


async def test_value_is_no_json_that_is_seen_before_the_writing_thread_is_asked(database: Database) -> None:
    await database.close()
    with pytest.raises(TypeError):
        await RunValues(database).keep("exec-1:a", object())
    with pytest.raises(TypeError):
        await RunValues(database).keep_list("exec-1:items", [object()])
