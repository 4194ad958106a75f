"""What the shell of runs does besides what the cases of `tests/engine_cases` show: where steps run, and runs go on.

Each way takes a real run down one branch, and gives the names at Temporal of all workflows that worked on it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from temporalio import activity
from temporalio.worker import Worker

from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.contracts import RunOptions
from flowforge.engine.idempotency import start_id, unwinding_id
from flowforge.engine.retries import RetryWish
from tests.workflow.engine.stage import OPTIONS, Gate, Play, Stage, refusal, saved
from tests.workflow.engine.test_abandoned import turn

_UNDO: Final = {"action": "undo"}
_LARGE: Final = "x" * 20_000
_WAIT: Final = {"id": "w", "action": "wait", "params": {"event": "go", "timeout": "1h"}}
_SHORT: Final = replace(OPTIONS, longest_history=20)

Walk = Callable[[Stage], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way through the shell, and how actions are tried on it."""

    walk: Walk
    options: RunOptions = OPTIONS


def _chain(*names: str, action: str = "do", undo: bool = True, **last: Any) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for name in names:
        before = [steps[-1]["id"]] if steps else []
        steps.append({"id": name, "action": action, "dependsOn": before, **({"compensation": _UNDO} if undo else {})})
    steps[-1] |= last
    return {"steps": steps}


async def _refuse(_call: ActionCall) -> Any:
    raise refusal()


async def _large(_call: ActionCall) -> Any:
    return {"text": _LARGE, "few": 1, "pause": "1ms", "items": [{"n": n, "text": "y" * 300} for n in range(60)]}


def _failing_once() -> Play:
    calls: list[ActionCall] = []

    async def play(call: ActionCall) -> Any:
        calls.append(call)
        if len(calls) == 1:
            raise ConnectionError("the network is down")
        return 1

    return play


async def _hanging_here(_call: ActionCall) -> Any:
    if activity.info().is_local:
        await asyncio.Event().wait()
    return 1


async def _play(
    stage: Stage, body: dict[str, Any], plays: dict[str, Play] | None = None, given: dict[str, Any] | None = None
) -> Sequence[str]:
    stage.actions.plays |= plays or {}
    return [(await stage.play(body, input=given or {})).execution_id]


async def _cancelled(stage: Stage, body: dict[str, Any], by: str) -> Sequence[str]:
    gate = stage.actions.plays["b"] = Gate()
    run = await stage.begin(body)
    await gate.reached.wait()
    match by:
        case "temporal":
            await stage.client.get_workflow_handle(run).cancel(reason="from the UI")
        case "mark":
            await stage.rows.mark_cancelled(run, "marked")
        case _:
            await stage.control.cancel(run, "called off")
    gate.opened.set()
    await stage.end(run)
    return [run]


async def _side_by_side(stage: Stage) -> Sequence[str]:
    """The first of two steps ends, and what comes of it begins with its turn; while it runs, the second one ends."""
    before, after = Gate(), Gate()
    stage.actions.plays |= {"y": before, "after-x": after}
    steps: list[dict[str, Any]] = [{"id": name, "action": "free"} for name in "xy"]
    steps += [{"id": f"after-{name}", "action": "free", "dependsOn": [name]} for name in "xy"]
    run = await stage.begin({"steps": steps})
    await after.reached.wait()
    before.opened.set()
    await stage.rows.until(saved("after-y", "success"))
    after.opened.set()
    await stage.end(run)
    return [run]


async def _elsewhere(stage: Stage, *, fails: bool) -> Sequence[str]:
    @activity.defn(name="theirs")
    async def theirs(params: Any) -> Any:
        if fails:
            raise refusal()
        return params

    @activity.defn(name="undo")
    async def theirs_undone(_params: Any) -> None: ...

    queue = f"{stage.task_queue}-theirs"
    steps = [{"id": "a", "action": "theirs", "taskQueue": queue, "params": {"n": 1}, "compensation": _UNDO}]
    async with Worker(stage.client, task_queue=queue, activities=[theirs, theirs_undone]):
        return await _play(stage, {"steps": steps})


async def _waits_and_goes_on(stage: Stage) -> Sequence[str]:
    names = "abcdef"
    run = await stage.begin({"steps": [*_chain(*names)["steps"], {**_WAIT, "dependsOn": ["f"]}], "timeout": "1d"})
    await stage.rows.until(saved("w", "waiting"))
    await stage.control.pause(run)
    await stage.control.resume(run)
    await stage.control.signal(run, "go", {"text": _LARGE})
    await stage.end(run)
    return [run]


async def _child(stage: Stage, *, fails: bool) -> Sequence[str]:
    stage.actions.plays |= {"much": _large} | ({"last": _refuse} if fails else {})
    child = {"id": "kid", "steps": _chain("x", "y", action="much")["steps"], "output": "${y}"}
    await stage.definitions.publish(json.dumps(child))
    call = {"id": "k", "action": "workflow", "params": {"workflowId": "kid", "input": {"text": _LARGE}}}
    after = _chain("c", "d", "e", "last")["steps"]
    after[0]["dependsOn"] = ["k"]
    return [(await stage.play({"steps": [call, *after], "output": "${k.few}"})).execution_id]


async def _items(stage: Stage, *, fails: bool) -> Sequence[str]:
    each = {"items": "${all.items}", "as": "one", "concurrency": 6}
    steps = [
        {"id": "all", "action": "much", "params": {}},
        {
            "id": "each",
            "action": "do",
            "params": {"n": "${one.n}"},
            "forEach": each,
            "dependsOn": ["all"],
            "compensation": {"action": "undo", "params": {"was": "${undo.result.did}"}},
        },
        {"id": "last", "action": "do", "params": {"of": "${each[7].did}"}, "dependsOn": ["each"]},
    ]
    return await _play(stage, {"steps": steps}, {"much": _large} | ({"last": _refuse} if fails else {}))


async def _again(stage: Stage, wish: RetryWish, *, undo: bool) -> Sequence[str]:
    stage.actions.plays["b"] = _refuse
    run = await stage.begin(_chain("a", "b", "c", undo=undo), input={"n": 1})
    await stage.end(run)
    del stage.actions.plays["b"]
    await stage.retries.retry(run, wish)
    await stage.end(run)
    return [run, start_id(run, 2)]


async def _newer(stage: Stage, policy: str) -> Sequence[str]:
    stage.actions.plays["b"] = _refuse
    body = {"failurePolicy": policy, **_chain("a", "b", undo=False)}
    run = await stage.begin(body)
    if policy == "hold":
        await stage.rows.until_status("needs_attention")
    else:
        await stage.end(run)
    del stage.actions.plays["b"]
    more = {"id": "c", "action": "do", "dependsOn": ["b"]}
    known = (await stage.gateway.get(run)).workflow_id
    await stage.definitions.publish(json.dumps({"id": known, **body, "steps": [*body["steps"], more]}))
    await stage.retries.retry(run, RetryWish(revision=2, values={"a": {"did": "by hand"}}))
    await stage.end(run)
    return [run] if policy == "hold" else [run, start_id(run, 2)]


async def _unwound(stage: Stage, *, called_off: bool) -> Sequence[str]:
    gate = stage.actions.plays["c"] = Gate()
    run = await stage.begin(_chain("a", "b", "c"))
    await gate.reached.wait()
    await stage.client.get_workflow_handle(run).terminate("by hand")
    if called_off:
        await stage.control.cancel(run, "changed my mind")
    assert (await turn(stage)).unwound == [run]
    ended = asyncio.ensure_future(stage.client.get_workflow_handle(unwinding_id(run)).result())
    await asyncio.wait({ended})
    assert ended.exception() is not None
    gate.opened.set()
    return [run, unwinding_id(run)]


async def _full_tasks(stage: Stage) -> Sequence[str]:
    steps = [{"id": f"s{n}", "action": "do", "params": {"t": "x" * 15_000}} for n in range(50)]
    return await _play(stage, {"steps": steps})


async def _pauses(stage: Stage) -> Sequence[str]:
    wait = {"id": "w", "action": "delay", "params": {"duration": "${a.pause}"}, "dependsOn": ["a"]}
    return await _play(stage, {"steps": [{"id": "a", "action": "much", "params": {}}, wait]}, {"much": _large})


_FREE: Final = partial(_chain, action="free")

WAYS: Final[dict[str, Way]] = {
    "a step in the workflow task succeeds": Way(walk=partial(_play, body=_FREE("a", "b"))),
    "it fails once and goes on through the queue": Way(
        walk=lambda on: _play(on, _FREE("a", "b"), {"a": _failing_once()})
    ),
    "it is refused": Way(walk=partial(_play, body=_FREE("a", "b"), plays={"b": _refuse})),
    "it takes too long and goes on through the queue": Way(
        walk=partial(_play, body=_FREE("a", timeout="1s"), plays={"a": _hanging_here})
    ),
    "it is called off": Way(walk=partial(_cancelled, body=_FREE("a", "b", "c"), by="us")),
    "steps begin with the turns before them": Way(walk=partial(_play, body=_FREE("a", "b", "c"))),
    "one of them fails once": Way(walk=lambda on: _play(on, _FREE("a", "b", "c"), {"b": _failing_once()})),
    "one of them is refused": Way(walk=partial(_play, body=_FREE("a", "b", "c"), plays={"b": _refuse})),
    "one of them is called off by the row": Way(walk=partial(_cancelled, body=_FREE("a", "b", "c"), by="mark")),
    "one of them runs while the run has news": Way(walk=_side_by_side),
    "a step on a queue of its own succeeds": Way(walk=partial(_elsewhere, fails=False)),
    "a step on a queue of its own is refused": Way(walk=partial(_elsewhere, fails=True)),
    "a run is called off by Temporal": Way(walk=partial(_cancelled, body=_chain("a", "b", "c"), by="temporal")),
    "a run is called off by its row": Way(walk=partial(_cancelled, body=_chain("a", "b", "c"), by="mark")),
    "params of a wait are fetched": Way(walk=_pauses),
    "what one task sends is too much for one": Way(walk=_full_tasks),
    "a long run goes on in another one": Way(walk=partial(_play, body=_chain(*"abcdefgh")), options=_SHORT),
    "a long run is undone in others": Way(
        walk=partial(_play, body=_chain(*"abcdefgh"), plays={"h": _refuse}), options=_SHORT
    ),
    "a long run waits in another one": Way(walk=_waits_and_goes_on, options=_SHORT),
    "a long run with a child completes": Way(walk=partial(_child, fails=False), options=_SHORT),
    "a long run with a child is undone": Way(walk=partial(_child, fails=True), options=_SHORT),
    "a long list completes": Way(walk=partial(_items, fails=False), options=replace(OPTIONS, longest_history=80)),
    "a long list is undone": Way(walk=partial(_items, fails=True), options=replace(OPTIONS, longest_history=80)),
    "a failed run goes on": Way(walk=partial(_again, wish=RetryWish(values={"n": 2}), undo=False)),
    "a compensated run starts over": Way(walk=partial(_again, wish=RetryWish(), undo=True)),
    "a failed run goes on with a newer revision": Way(walk=partial(_newer, policy="compensate")),
    "a held run goes on with a newer revision": Way(walk=partial(_newer, policy="hold")),
    "a run without a workflow is undone from outside": Way(walk=partial(_unwound, called_off=False)),
    "a called off run without a workflow is undone from outside": Way(walk=partial(_unwound, called_off=True)),
}
"""By name, as the files have them."""
