"""`workflows publish`, `run` and `executions`: a terminal somewhere, and a running FlowForge."""

import json
import signal
from pathlib import Path
from typing import Any, get_args

import pytest

from flowforge.cli.executions import app
from flowforge.cli.executions.look import END_CODES, STYLES
from flowforge.engine import bulk
from flowforge.engine.core.views import RunStatus
from flowforge.engine.store.records import ENDED
from flowforge.remote import many
from tests.e2e.processes import Ended, House, Process

CHECKOUT = """\
id: checkout
inputSchema: {type: object, required: [sku, card]}
steps:
  - id: reserve
    action: inventory.reserve
    params: {productId: "${sku}", quantity: 1}
    compensation: {action: inventory.release}
  - id: charge
    action: payments.charge
    dependsOn: [reserve]
    params: {amountMinor: 1999, currency: EUR, paymentMethod: "${card}"}
    compensation: {action: payments.refund_by_key}
output: ${reserve.productId}
"""
APPROVAL = """\
id: approval
steps:
  - {id: hold, action: inventory.reserve, params: {productId: SKU-001, quantity: 1}, compensation: {action: "%s"}}
  - {id: ask, action: wait, dependsOn: [hold], params: {event: decision, timeout: 1d, onTimeout: fail}}
  - {id: send, action: log, dependsOn: [ask], params: {message: "sent to ${ask.to}"}}
"""
VISA = {"sku": "SKU-001", "card": "tok_visa"}
DECLINED = {"sku": "SKU-001", "card": "tok_chargeDeclined"}


async def call(house: House, *arguments: str) -> Ended:
    """Run a command as somebody does who knows nothing but where the API is."""
    return await (await begin(house, *arguments)).end()


async def begin(house: House, *arguments: str) -> Process:
    """Start such a command."""
    elsewhere = {"FLOWFORGE_DB_PATH": str(house.folder / "none.sqlite3"), "TEMPORAL_HOST": "localhost:1"}
    return await house.start(*arguments, FLOWFORGE_API_URL=f"http://127.0.0.1:{house.api_port}", **elsewhere)


async def as_json(house: House, *arguments: str, code: int = 0) -> Any:
    """Run a command; return the one document that it prints."""
    end = await call(house, *arguments, "--json")
    assert (end.code, end.err) == (code, ""), end
    return json.loads(end.out)


def write(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


async def post(house: House, workflow: str) -> Any:
    """Start a run without looking on."""
    async with house.http() as http:
        return (await http.post("/executions/start", json={"workflowId": workflow})).json()


async def until(house: House, name: str, status: str, times: int = 1) -> None:
    """Follow a run until it has come to a status so many times."""
    async with house.http() as http, http.stream("GET", f"/executions/{name}/events") as stream:
        async for line in stream.aiter_lines():
            times -= '"stepId": null' in line and f'"status": "{status}"' in line
            if not times:
                return
    raise AssertionError(f"{name} ended without being {status}")


async def test_definition_is_published_listed_and_compared(house: House, tmp_path: Path) -> None:
    process = await house.start_all()
    file = write(tmp_path, "checkout.yaml", CHECKOUT)
    broken = write(tmp_path, "broken.yaml", CHECKOUT.replace("[reserve]", "[resrve]"))
    refused = await call(house, "workflows", "publish", broken)
    assert (refused.code, refused.err) == (1, "")
    assert refused.out.startswith(f'{broken}:10:17: FF-1004 unknown dependency "resrve", did you mean "reserve"?')

    assert (await call(house, "workflows", "publish", file)).out == "checkout: published as revision 1\n"
    assert (await call(house, "workflows", "publish", file)).out == "checkout: unchanged, it is revision 1\n"
    listed = await call(house, "workflows", "list", "--limit", "1")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["WORKFLOW", "checkout", "the"]
    assert (await call(house, "workflows", "diff", "checkout")).out.startswith("checkout: no difference between")
    write(tmp_path, "checkout.yaml", CHECKOUT.replace("1999", "2999"))
    assert (await call(house, "workflows", "diff", file)).out == "~ /steps/charge/params/amountMinor: 1999 -> 2999\n"
    assert (await as_json(house, "workflows", "publish", file))["revision"] == 2
    assert (await as_json(house, "workflows", "diff", "checkout"))[0]["after"] == 2999
    assert (await as_json(house, "workflows", "diff", "checkout", "--from", "2", "--to", "1"))[0]["after"] == 1999
    assert (await process.stop()).code == 0


async def test_run_goes_from_its_file_to_its_end(house: House, tmp_path: Path) -> None:
    process = await house.start_all()
    file = write(tmp_path, "checkout.yaml", CHECKOUT)
    run = await call(house, "run", file, "--input", json.dumps(VISA))
    lines = run.out.splitlines()
    assert (run.code, lines[0], lines[-1]) == (0, "checkout: published as revision 1", "completed"), run
    given = write(tmp_path, "declined.yaml", json.dumps({"workflowId": "checkout", "context": DECLINED}))
    undone = await call(house, "run", file, "--input", given)
    assert (undone.code, undone.out.splitlines()[0]) == (4, "checkout: unchanged, it is revision 1")
    assert undone.out.splitlines()[-1] == "compensated: charge: card_declined: the card was declined"
    by_id = ("run", "checkout", "--input", json.dumps(VISA), "--idempotency-key", "k")
    first, again = await as_json(house, *by_id), await as_json(house, *by_id)
    assert (first["executionId"], first["output"]) == (again["executionId"], "SKU-001")

    wrong = await call(house, "run", "checkout", "--input", "{}")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (1, "", 2)
    assert wrong.err.startswith("flowforge: /context: ")
    assert (await call(house, "run", "checkout", "--input", "{")).code == 2
    assert (await call(house, "run", "nobody")).err == "flowforge: there is no workflow 'nobody'\n"

    runs = await as_json(house, "executions", "list", "--workflow", "checkout", "--since", "2020-01-01")
    assert [each["status"] for each in runs] == ["completed", "compensated", "completed"]
    assert await as_json(house, "executions", "list", "--status", "completed", "--label", "team:x") == []
    table = await call(house, "executions", "list", "--limit", "2")
    assert [line.split()[0] for line in table.out.splitlines()][::3] == ["EXECUTION", "the"]
    shown = await call(house, "executions", "show", runs[1]["executionId"])
    assert "charge: payments.refund_by_key not needed" in shown.out
    story = await call(house, "executions", "history", runs[1]["executionId"])
    events = await as_json(house, "executions", "history", runs[1]["executionId"])
    assert (len(story.out.splitlines()), events[-1]["status"]) == (len(events), "compensated")
    assert (await process.stop()).code == 0


async def test_run_is_held_woken_called_off_and_its_undo_given_up(house: House, tmp_path: Path) -> None:
    process = await house.start_all()
    running = await begin(house, "run", write(tmp_path, "approval.yaml", APPROVAL % "inventory.release"))
    name = (await running.line("exec-")).split()[0]
    await until(house, name, "waiting")
    assert "  ask for the event decision until " in (await call(house, "executions", "show", name)).out
    left = await running.stop(signal.SIGINT)
    assert (left.code, left.err) == (1, f"it goes on: main.py executions watch {name}\n")
    assert (await as_json(house, "executions", "pause", name))["status"] == "paused"
    assert (await call(house, "executions", "resume", name)).out == f"{name} is waiting\n"
    assert (await call(house, "executions", "signal", name, "decision", "--data", "{")).code == 2
    assert (await call(house, "executions", "signal", name, "decision", "--data", '{"to": "ada"}')).code == 0
    watched = await call(house, "executions", "watch", name)
    assert (watched.code, watched.out.splitlines()[-1]) == (0, "completed")
    replayed = await as_json(house, "executions", "replay", name)
    assert (await as_json(house, "executions", "show", replayed["executionId"]))["replayOf"] == name
    refused = await call(house, "executions", "retry", name, "--from-step", "ask", "--context", '{"to": "bob"}')
    assert (refused.code, refused.err.startswith("flowforge: ")) == (1, True)
    late = await call(house, "executions", "cancel", name, "--reason", "not wanted")
    assert (late.code, late.err) == (1, "flowforge: the run is completed\n")

    stuck = await begin(house, "run", write(tmp_path, "stuck.yaml", APPROVAL % "fail"))
    name = (await stuck.line("exec-")).split()[0]
    await until(house, name, "waiting")
    called_off = await call(house, "executions", "cancel", name, "--reason", "not wanted", "--by", "ada")
    assert (called_off.code, called_off.out) == (0, f"{name} is being cancelled: ada: not wanted\n")
    left = await stuck.end()
    assert (left.code, f"main.py executions write-off {name} hold --reason" in left.out) == (6, True), left
    assert "fail failed" in (await call(house, "executions", "show", name)).out
    retried = await call(house, "executions", "retry-compensation", name, "hold")
    assert (retried.code, retried.out) == (0, f"{name}: the undo of hold is tried again\n")
    await until(house, name, "needs_attention", 2)
    given_up = await call(house, "executions", "write-off", name, "hold", "--reason", "lost", "--by", "ada")
    assert (given_up.code, given_up.out) == (0, f"{name}: the undo of hold is written off\n")
    end = await call(house, "executions", "watch", name)
    assert (end.code, end.out.splitlines()[-1]) == (5, "cancelled: ada: not wanted"), end
    assert "written off by ada: lost" in (await call(house, "executions", "show", name)).out
    assert (await process.stop()).code == 0


async def test_one_thing_is_done_to_many_runs(house: House, tmp_path: Path) -> None:
    process = await house.start_all()
    published = await call(
        house, "workflows", "publish", write(tmp_path, "approval.yaml", APPROVAL % "inventory.release")
    )
    assert published.code == 0
    names = [(await post(house, "approval"))["executionId"] for _ in range(3)]
    for name in names:
        await until(house, name, "waiting")
    odd = await call(house, "executions", "bulk", "pause", names[0], f"exec-{'0' * 32}")
    assert (odd.code, odd.err, "pause: 1 of 2 took it" in odd.out, "not_found" in odd.out) == (1, "", True, True)
    chosen = ("--workflow", "approval", "--status", "waiting", "--limit", "1", "--reason", "no more")
    one = await as_json(house, "executions", "bulk", "cancel", *chosen)
    assert [(item["executionId"], item["accepted"]) for item in one] == [(names[2], True)]
    assert (await call(house, "executions", "watch", names[2])).out.splitlines()[-1] == "cancelled: no more"
    assert (await call(house, "executions", "bulk", "cancel")).code == 1
    assert (await call(house, "executions", "bulk", "shred", names[0])).code == 2
    assert (await process.stop()).code == 0


def test_what_can_be_done_to_many_is_the_same_everywhere() -> None:
    assert get_args(app.BulkAction) == get_args(many.BulkAction) == get_args(bulk.BulkAction)


async def test_an_api_that_is_not_there_is_told_in_one_line(house: House, tmp_path: Path) -> None:
    file = write(tmp_path, "checkout.yaml", CHECKOUT)
    for command in ("executions list", "executions show x", "workflows list", f"workflows publish {file}", "run x"):
        end = await call(house, *command.split())
        assert (end.code, end.out) == (1, ""), command
        assert end.err.startswith(f"flowforge: the API at http://127.0.0.1:{house.api_port} does not answer (")
        assert end.err.endswith("? see --api-url\n")
        assert end.err.count("\n") == 1


def test_every_status_can_be_asked_for_has_its_colour_and_each_end_its_exit_code() -> None:
    assert set(get_args(app.Status)) == set(get_args(RunStatus)) == set(STYLES)
    assert set(END_CODES) == {*ENDED, "needs_attention"}
    assert len(set(END_CODES.values())) == len(END_CODES)
    assert not {1, 2} & set(END_CODES.values())


@pytest.mark.parametrize("arguments", [["--label", "x"], ["--status", "odd"], ["--since", "soon"]])
async def test_option_that_means_nothing_is_a_wrong_call(house: House, arguments: list[str]) -> None:
    assert (await call(house, "executions", "list", *arguments)).code == 2
