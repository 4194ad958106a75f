"""The action `transform`, in real processes: what its code gets, and that it harms nobody."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.declaration import Failed, Refused
from flowforge.engine.actions.javascript.pool import JavaScriptPool
from flowforge.engine.actions.javascript.process import _CHILD, JavaScriptProcess, seconds_of
from flowforge.engine.actions.loading import actions_of
from flowforge.engine.actions.transform import Transform
from tests.unit.engine.actions.calls import act, activities_of, call_of

DATA = {"extract": {"users": [{"id": 1, "name": "Ada", "age": 36}]}, "limit": 2}


@pytest.fixture
async def pool() -> AsyncIterator[JavaScriptPool]:
    # Patient, for the machine may be busy: what must be killed is killed all the same, only later.
    pool = JavaScriptPool(1, patience_s=20, longest_s=120)
    yield pool
    await pool.close()


@pytest.fixture
async def transforms(pool: JavaScriptPool) -> AsyncIterator[ActionActivities]:
    with activities_of(*actions_of(Transform(pool))) as activities:
        yield activities


async def result(transforms: ActionActivities, **params: Any) -> Any:
    return (await act(transforms, call_of("transform", params, DATA))).result


async def test_an_input_key_names_a_step_or_a_key(transforms: ActionActivities) -> None:
    code = "return input.users.map(u => ({ id: u.id, name: u.name }))"
    assert await result(transforms, inputKey="extract", code=code) == [{"id": 1, "name": "Ada"}]
    assert await result(transforms, inputKey="limit", code="return input + context.limit") == 4


async def test_without_an_input_key_the_selector_counts_and_else_everything(transforms: ActionActivities) -> None:
    assert await result(transforms, code="return input", users=[1], more=None) == {"users": [1], "more": None}
    assert await result(transforms, code="return input", input=[1, 2]) == [1, 2]
    assert await result(transforms, code="return input.extract.users.length + input.limit") == 3


async def test_an_input_key_that_is_not_there_is_refused(transforms: ActionActivities) -> None:
    with pytest.raises(ApplicationError, match="`load`") as caught:
        await result(transforms, inputKey="load", code="return 1")
    assert (caught.value.type, caught.value.non_retryable) == ("missing_path", True)


async def test_code_that_throws_is_refused_in_its_own_words(transforms: ActionActivities) -> None:
    with pytest.raises(ApplicationError, match="no users here") as caught:
        await result(transforms, code="throw new Error('no users here')")
    assert (caught.value.type, caught.value.non_retryable) == ("transform_failed", True)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("", None),
        ("return undefined", None),
        ("return [1.5, -0, 'ü', '\\u0000', true, null]", [1.5, 0, "ü", "\0", True, None]),
        ("return { at: new Date(0) }", {"at": "1970-01-01T00:00:00.000Z"}),
        ("return NaN", None),
        ("// only a remark", None),
        ("return context['limit'] } //", "failed"),
        ("return (", "failed"),
        ("return Promise.resolve(1)", "failed"),
        ("return 1n", "failed"),
        ("const a = {}; a.a = a; return a", "failed"),
    ],
)
async def test_what_code_returns_is_json_or_it_fails(pool: JavaScriptPool, code: str, value: Any) -> None:
    if value == "failed":
        with pytest.raises(Refused) as caught:
            await pool.run(code, {}, {"limit": 1})
        assert caught.value.code == "transform_failed"
    else:
        assert await pool.run(code, {}, {}) == value


@pytest.mark.parametrize(
    "code",
    [
        "return require('fs')",
        "return std.open('/etc/passwd', 'r')",
        "return os.exec(['true'])",
        "return fetch('http://localhost')",
        "setTimeout(() => 0, 1)",
        "console.log(1)",
        "return process.env",
        "return new Worker('a')",
    ],
)
async def test_code_reaches_nothing_outside(pool: JavaScriptPool, code: str) -> None:
    with pytest.raises(Refused, match="is not defined"):
        await pool.run(code, {}, {})


async def test_code_leaves_nothing_behind(pool: JavaScriptPool) -> None:
    assert await pool.run("globalThis.seen = 1; JSON.stringify = () => '7'; return seen", {}, {}) == 1
    assert await pool.run("return typeof seen", {}, {}) == "undefined"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("while (true) {}", "transform_timeout"),
        ("for (;;) { try { while (true) {} } catch (e) {} }", "transform_timeout"),
        ("return /^(a+)+$/.test('a'.repeat(40) + 'b')", "transform_timeout"),
        ("const a = []; while (true) a.push(new Array(10000).fill(1))", "transform_memory"),
        ("return 'x'.repeat(1 << 29)", "transform_memory"),
        ("function f() { return f() + 1 } return f()", "transform_too_deep"),
        ("return 'x'.repeat(1 << 19)", "result_too_large"),
        ("return { toJSON() { while (true) {} } }", "transform_timeout"),
        ("return JSON.parse('['.repeat(1e6))", "transform_too_deep"),
        ("let a = []; for (let i = 0; i < 2e4; i++) a = [a]; return a", "transform_too_deep"),
    ],
)
async def test_code_without_end_is_refused_and_the_next_one_runs(pool: JavaScriptPool, code: str, told: str) -> None:
    with pytest.raises(Refused) as caught:
        await pool.run(code, {}, {})
    assert caught.value.code == told
    assert await pool.run("return input", 1, {}) == 1


async def test_a_sort_that_cannot_be_interrupted_is_killed_with_its_process_and_replaced() -> None:
    pool = JavaScriptPool(1, longest_s=120)
    assert await pool.run("return 1", {}, {}) == 1
    (before,) = pool._idle
    code = """
        const one = 'a'.repeat(1 << 20), other = ('b' + one.slice(1)).replace('b', 'a');
        return Array.from({length: 1e5}, (_, i) => i % 2 ? one : other).sort().length
    """
    with pytest.raises(Refused, match="has not ended") as caught:
        await pool.run(code, {}, {})
    assert caught.value.code == "transform_timeout"
    assert before.returncode == -signal.SIGKILL
    assert await pool.run("return 2", {}, {}) == 2
    assert pool._idle != [before]
    await pool.close()


async def test_a_process_that_is_killed_in_between_is_replaced(pool: JavaScriptPool) -> None:
    await pool.run("return 1", {}, {})
    (child,) = pool._idle
    await child.kill()
    assert await pool.run("return 2", {}, {}) == 2
    assert pool._idle != [child]


async def test_code_that_has_not_had_its_second_of_computing_is_waited_for() -> None:
    pool = JavaScriptPool(1, patience_s=0, longest_s=120)
    assert await pool.run("return 1", {}, {}) == 1
    with pytest.raises(Refused) as caught:
        await pool.run("while (true) {}", {}, {})
    assert caught.value.code == "transform_timeout"
    await pool.close()


async def test_a_process_that_is_given_no_time_to_compute_is_a_fault_and_no_refusal() -> None:
    pool = JavaScriptPool(1, patience_s=0.01, longest_s=0.2)
    assert await pool.run("return 1", {}, {}) == 1
    (child,) = pool._idle
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(Failed, match=r"the code had 0\.0 s of computing") as caught:
        await pool.run("return 2", {}, {})
    assert caught.value.code == "transform_starved"
    assert child.returncode == -signal.SIGKILL
    assert pool._idle == []


async def test_computing_of_a_request_is_counted_apart_from_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    child = await JavaScriptProcess.start()
    work = {"code": "for (let i = 0; i < 3e6; i++) {}", "input": "1", "context": "1"}
    answer = await child.ask(json.dumps(work).encode())
    assert answer == {"result": "null"}
    after = await child.used_s()
    monkeypatch.setattr("flowforge.engine.actions.javascript.process.told_by_proc", lambda _: None)
    told = await child.used_s()
    await child.kill()
    assert after is not None
    assert abs(after) < 0.05
    assert told is not None  # by ps, which writes whole seconds on Linux
    assert told < 0.05


@pytest.mark.parametrize(
    ("clock", "seconds"), [("0:01.25", 1.25), ("00:00:02", 2), ("1-01:00:00", 90_000), ("12:03.00", 723)]
)
def test_times_of_ps_are_read(clock: str, seconds: float) -> None:
    assert seconds_of(clock) == seconds


async def test_a_process_that_starts_slowly_leaves_the_code_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "child.py"
    slow.write_text(f"import runpy, time\ntime.sleep(3)\nrunpy.run_path({str(_CHILD)!r}, run_name='__main__')\n")
    monkeypatch.setattr("flowforge.engine.actions.javascript.process._CHILD", slow)
    pool = JavaScriptPool(1, patience_s=2)
    assert await pool.run("return 1", {}, {}) == 1
    await pool.close()


async def test_a_process_that_ends_before_it_is_ready_is_a_fault_and_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "child.py"
    broken.write_text("raise SystemExit(1)\n")
    monkeypatch.setattr("flowforge.engine.actions.javascript.process._CHILD", broken)
    with pytest.raises(Failed, match="does not become ready"):
        await JavaScriptPool(1).run("return 1", {}, {})


async def test_a_call_that_is_cancelled_takes_its_process_with_it(pool: JavaScriptPool) -> None:
    await pool.run("return 1", {}, {})
    (child,) = pool._idle
    running = asyncio.create_task(pool.run("while (true) {}", {}, {}))
    while pool._idle:  # noqa: ASYNC110 -- nobody says when a process is taken
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert child.returncode is not None
    assert await pool.run("return 2", {}, {}) == 2


async def test_too_much_to_look_at_is_refused_before_it_is_sent(pool: JavaScriptPool) -> None:
    with pytest.raises(Refused) as caught:
        await pool.run("return 1", "x" * (17 * 1024 * 1024), {})
    assert caught.value.code == "input_too_large"


async def test_calls_side_by_side_get_their_own_answers() -> None:
    pool = JavaScriptPool(2, patience_s=20)
    answers = await asyncio.gather(*(pool.run("return input * 2", number, {}) for number in range(40)))
    assert answers == [number * 2 for number in range(40)]
    assert len(pool._idle) <= 2
    await pool.close()
