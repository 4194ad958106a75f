"""Runs are found by their labels, whatever these hold, and the same ones on either database."""

from typing import Any

import httpx2
import pytest

from flowforge.client import FlowForge
from tests.workflow.engine.pair import BODY, publish, start
from tests.workflow.engine.stage import Stage

NAMED: dict[str, tuple[str, Any]] = {
    "kü:a": ("kü", "a"),
    "😀:é": ("😀", "é"),
    'm"x:c': ('m"x', "c"),
    "k\\b:a": ("k\\b", "a"),
    "k\\u0000:a": ("k\\u0000", "a"),
    "k.$[0]:a": ("k.$[0]", "a"),
    "1:one": ("1", "one"),
    ":nameless": ("", "nameless"),
    "empty:": ("empty", ""),
    "lines:a\nb": ("lines", "a\nb"),
    "a:b:c": ("a:b", "c"),
    "at:12:30": ("at", "12:30"),
    "yes:true": ("yes", True),
    "no:false": ("no", False),
    "none:null": ("none", None),
    "n:1": ("n", 1),
    "most:-9007199254740992": ("most", -9007199254740992),
    "real:1.0": ("real", 1.0),
    "sum:0.30000000000000004": ("sum", 0.1 + 0.2),
    "large:1e+16": ("large", 1e16),
    "text:1": ("text", "1"),
    "word:null": ("word", "null"),
    f"{'n' * 200}:{'t' * 1000}": ("n" * 200, "t" * 1000),
}
UNNAMED = ["yes:1", "yes:True", "no:0", "n:1.0", "n:01", "real:1", "k:null", "sum:0.3", "a:b", "n:nan", "KÜ:a", "n:"]


async def found(http: httpx2.AsyncClient, label: str) -> list[str]:
    response = await http.get("/executions", params={"metadata": label})
    assert response.status_code == 200, (label, response.text)
    return [run["executionId"] for run in response.json()]


async def test_run_is_found_by_each_of_its_labels_and_by_no_other(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    first = await start(http, metadata=dict(NAMED.values()))
    other = await start(http, metadata={name: "other" for name, _ in NAMED.values()})
    for name in (first, other):
        await warm.end(name)
    missed = {label: names for label in NAMED if (names := await found(http, label)) != [first]}
    assert missed == {}
    assert [label for label in UNNAMED if await found(http, label)] == []
    assert await found(http, "kü:other") == [other]


async def test_run_whose_labels_one_database_cannot_read_keeps_no_other_from_being_found(
    http: httpx2.AsyncClient, warm: Stage
) -> None:
    await publish(http)
    # As somebody may start one who talks to Temporal; over HTTP it is a 422.
    await warm.play({**BODY, "id": "other"}, metadata={"k": "a\0b"})
    first = await start(http, metadata={"k": "a"})
    await warm.end(first)
    assert await found(http, "k:a") == [first]


async def test_client_and_bulk_find_what_the_list_finds(flowforge: FlowForge, warm: Stage) -> None:
    await flowforge.register(BODY)
    for labels in ({"a:b": "c"}, {"a": "b:c"}, {"a": "c"}):
        await warm.end((await flowforge.start("pair", metadata=labels)).execution_id)
    listed = await flowforge.list_executions(metadata=("a:b", "c"))
    assert [run.metadata for run in listed] == [{"a": "b:c"}, {"a:b": "c"}]
    outcomes = await flowforge.bulk("cancel", metadata=("a:b", "c"))
    assert [each.execution_id for each in outcomes] == [run.execution_id for run in listed]


async def test_pages_keep_to_the_label(http: httpx2.AsyncClient, warm: Stage) -> None:
    await publish(http)
    runs = [await start(http, metadata={"k ü&": "a:b"}) for _ in range(2)]
    for name in runs:
        await warm.end(name)
    page = await http.get("/executions", params={"metadata": "k ü&:a:b", "limit": 1})
    following = await http.get(page.links["next"]["url"])
    assert [run["executionId"] for run in (*page.json(), *following.json())] == sorted(runs)[::-1]


@pytest.mark.parametrize(
    ("labels", "pointer"),
    [({"n" * 201: "x"}, f"/metadata/{'n' * 100}"), ({"n": "x" * 1001}, "/metadata/n")],
    ids=["name", "text"],
)
async def test_label_that_no_filter_could_name_is_refused(
    http: httpx2.AsyncClient, labels: dict[str, str], pointer: str
) -> None:
    await publish(http)
    refused = await http.post("/executions/start", json={"workflowId": "pair", "metadata": labels})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith(pointer)
    query = {"metadata": ":".join(*labels.items())}
    for answer in (
        await http.get("/executions", params={"metadata": "no colon"}),
        await http.get("/executions", params={"metadata": f"{'n' * 201}:{'x' * 1000}"}),
        await http.post("/executions/bulk", json={"action": "cancel", "filter": {"metadata": "no colon"}}),
    ):
        assert answer.status_code == 422, query
