"""What a proof takes for an undo, and what it does not: of what nobody knows, the worst is believed."""

from typing import Any

import pytest

from flowforge.cli.workflows.known import KnownActions
from flowforge.engine.proof.prove import Proof, prove
from tests.unit.engine.proof.chains import defined, finding, found, proved, step, told

BANK = "http://bank/accounts/${from}"


def call(name: str, *after: str, compensation: Any = None, **params: Any) -> dict[str, Any]:
    """Return a step that sends a request, and refuses an effect that comes after its undo."""
    return step(name, *after, action="http.request", params=params, compensation=compensation, fenced=True)


def request(**params: Any) -> dict[str, Any]:
    return {"action": "http.request", "params": params}


def known(*steps: dict[str, Any], **body: Any) -> Proof:
    return prove(defined(*steps, **body), KnownActions())


def test_request_before_a_step_whose_undo_goes_to_the_same_url_has_an_effect_of_its_own() -> None:
    undo = request(method="PATCH", url=BANK, body={"booked": False})
    debit = call("debit", method="PATCH", url=BANK, body={"minus": 5})
    book = call("book", "debit", method="POST", url="http://bank/books", compensation=undo)
    assert found(known(debit, book)) == {("left_behind", "debit")}


def test_calls_of_one_url_are_told_apart_by_what_they_send() -> None:
    undo = request(method="POST", url="http://x/rpc", body={"method": "release"})
    reserve = call("reserve", method="PUT", url="http://x/rpc", body={"method": "reserve"}, compensation=undo)
    charge = call("charge", "reserve", method="POST", url="http://x/rpc", body={"method": "charge"})
    assert found(known(reserve, charge)) == {("left_behind", "charge")}
    flag = step("flag", action="set", params={"on": True}, compensation={"action": "set", "params": {"on": 1}})
    assert ("left_behind", "again") in found(proved(flag, step("again", "flag", action="set", compensation=None)))
    truth = step("again", "flag", action="set", params={"on": True}, compensation=None)
    assert ("left_behind", "again") in found(proved(flag, truth))


def test_steps_that_patch_one_url_do_not_undo_each_other() -> None:
    def patch(name: str, *after: str) -> dict[str, Any]:
        return call(name, *after, method="PATCH", url=BANK, compensation=request(method="PATCH", url=BANK))

    proof = known(patch("a"), patch("b", "a"))
    assert proof.holds(strict=True)
    without = known(patch("a"), {**patch("b", "a"), "fenced": False})
    assert found(without) == {("brought_back", "b")}


@pytest.mark.parametrize("queues", [("theirs", "theirs"), ("theirs", "others"), (None, "theirs")])
def test_action_on_a_queue_is_no_undo_of_a_later_step(queues: tuple[str | None, str]) -> None:
    first = step("a", action="charge", compensation=None, taskQueue=queues[0], fenced=True)
    later = step("b", "a", taskQueue=queues[1], compensation={"action": "charge"}, fenced=True)
    assert found(proved(first, later)) == {("left_behind", "a")}
    if queues[0] != queues[1]:
        swapped = proved({**later, "dependsOn": []}, {**first, "dependsOn": ["b"]})
        assert found(swapped) == {("left_behind", "a")}


def test_step_that_is_the_undo_of_two_others_undoes_neither() -> None:
    both = {"action": "undo", "params": {"order": "${order}"}}
    first, second = step("a", fenced=True, compensation=both), step("b", "a", fenced=True, compensation=both)
    clean = step("clean", action="undo", params={"order": "${order}"}, compensation=None)
    proof = proved(first, {**second, "onError": "branch", "errorBranch": "clean"}, clean)
    assert {("left_behind", "b"), ("left_behind", "clean")} <= found(proof)


def test_items_are_not_undone_by_one_call() -> None:
    charge = step("charge", fenced=True, forEach={"items": "${list}"}, onError="branch", errorBranch="clean")
    proof = proved(charge, step("clean", action="undo-charge", compensation=None), faults=1)
    assert ("left_behind", "charge") in found(proof)


def test_second_step_that_undoes_by_hand_undoes_twice() -> None:
    charge = step("charge", fenced=True)
    refunds = (
        step(name, after, action="undo-charge", compensation=None) for name, after in (("r", "charge"), ("s", "r"))
    )
    story = told(finding(proved(charge, *refunds, faults=0), "undone_twice", "charge"))
    assert story == ["charge succeeds", "r succeeds", "s succeeds"]


def test_fence_of_a_step_that_undoes_by_hand_is_none_of_what_it_undoes() -> None:
    charge = step("charge", onError="branch", errorBranch="clean")
    clean = step("clean", action="undo-charge", compensation=None, fenced=True)
    assert ("brought_back", "charge") in found(proved(charge, clean, faults=1))


def machine(**ways: Any) -> Proof:
    charge = step("charge", dependsOn=None, fenced=True, transitions={"onSuccess": None, "onFailure": "refund"})
    refund = step("refund", dependsOn=None, action="undo-charge", compensation=None, fenced=True)
    steps = [charge, refund | {"transitions": {"onSuccess": "charge"}}]
    if "start" in ways:
        choice = [{"condition": "x", "to": "refund"}, {"to": "charge"}]
        steps.insert(0, step("start", dependsOn=None, action="log", compensation=None, transitions=choice))
    if "again" in ways:
        steps[0]["transitions"] = {"onSuccess": "charge", "onFailure": "refund"}
    return proved(*steps, initialStepId=steps[0]["id"])


def test_loop_that_undoes_and_tries_again_leaves_nothing() -> None:
    assert ("left_behind", "refund") not in found(machine())
    assert ("left_behind", "charge") not in found(machine())


@pytest.mark.parametrize("way", ["start", "again"])
def test_undo_by_hand_that_may_come_first_or_for_many_visits_has_an_effect_of_its_own(way: str) -> None:
    assert ("left_behind", "refund") in found(machine(**{way: True}))


def test_undo_of_a_service_as_a_step_is_refused() -> None:
    money = {"amountMinor": 1, "currency": "EUR", "paymentMethod": "card"}
    undo = {"action": "payments.refund_by_key"}
    charge = step("a", action="payments.charge", params=money, compensation=undo, onError="branch", errorBranch="r")
    refund = step("r", action="payments.refund_by_key", compensation=None)
    assert known(charge, refund).holds(strict=True)
    ignored = known(charge, refund | {"onError": "continue"})
    story = told(finding(ignored, "left_behind", "a"))
    assert story == ["a fails after its effect", "r is refused"]


@pytest.mark.parametrize(
    "undo",
    [
        {"action": "noop"},
        {"action": "log", "params": {"message": "somebody has to call them"}},
        {"action": "wait", "params": {"event": "done", "timeout": "1d"}},
        {"action": "transform", "params": {"code": "1"}},
        {"action": "validate-order"},
        {"action": "webhook", "params": {"url": "http://ops/undo"}},
        request(url="http://x"),
        request(url="http://x", method="head"),
    ],
)
def test_undo_that_changes_nothing_leaves_its_effect_behind(undo: dict[str, Any]) -> None:
    proof = known(step("a", action="NotifyUser", compensation=undo))
    assert found(proof) == {("left_behind", "a")}
    assert told(finding(proof, "left_behind", "a")) == ["a fails after its effect", "undo a changes nothing"]


@pytest.mark.parametrize("undo", [{"action": "fail"}, {"action": "workflow", "params": {"workflowId": "undo"}}])
def test_undo_that_never_runs_needs_attention(undo: dict[str, Any]) -> None:
    proof = known(step("a", action="NotifyUser", compensation=undo))
    assert told(finding(proof, "needs_attention", "a"))[-1] == "undo a is refused"
    assert proof.ends.keys() == {"completed"}


@pytest.mark.parametrize(
    "keys",
    [
        {"compensation": request(url="http://x", method="${method}")},
        {"compensation": {"action": "webhook", "params": {"url": "http://ops/undo", "failOnError": True}}},
        {"compensation": {"action": "log"}, "taskQueue": "theirs"},
        {"compensation": {"action": "whatever"}},
    ],
)
def test_undo_that_may_change_something_is_believed(keys: dict[str, Any]) -> None:
    assert known(step("a", **{"action": "NotifyUser", "fenced": True, **keys})).holds(strict=True)


@pytest.mark.parametrize(
    ("undo", "later"),
    [
        ({"action": "webhook", "params": {"url": "http://ops/undo-mail"}}, {"params": {"url": "http://other/hook"}}),
        ({"action": "log", "params": {"message": "a"}}, {"params": {"message": "a"}}),
        ({"action": "fail"}, {}),
        ({"action": "courier.cancel", "params": {"id": 1}}, {"params": {"id": 2}, "fenced": True}),
    ],
)
def test_step_with_other_params_or_without_an_effect_does_not_undo_again(
    undo: dict[str, Any], later: dict[str, Any]
) -> None:
    mail = step("mail", action="http.request", params={"url": "http://mail", "method": "POST"}, compensation=undo)
    proof = known(mail, step("tell", "mail", action=undo["action"], compensation=None, **later), step("c", "tell"))
    assert ("undone_twice", "mail") not in found(proof)


def test_child_without_a_timeout_may_wait_for_ever() -> None:
    child: dict[str, Any] = {"action": "workflow", "params": {"workflowId": "w"}, "compensation": None, "fenced": True}
    for proof in (known(step("k", **child)), proved(step("k", **child))):
        assert told(finding(proof, "waits_for_ever", "k")) == ["k waits"]
    assert known(step("k", timeout="1d", **child)).holds(strict=True)
    assert known(step("k", **child), timeout="1d").holds(strict=True)
    elsewhere = proved(step("k", **{**child, "compensation": {"action": "undo-k"}}, taskQueue="theirs"))
    assert elsewhere.holds(strict=True)


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("${undo.result['id']}", True),
        ("${undo['result'].id}", True),
        ("${context.undo.result[0]}", True),
        ("${ undo.result.id }", True),
        ("it was ${undo.result}", True),
        ("${undo.result}", False),
        ("${undo.key}", False),
        ("\\${undo.result.id}", False),
    ],
)
def test_undo_that_reads_a_result_that_never_came_cannot_be_called(path: str, *, needs: bool) -> None:
    proof = proved(step("a", fenced=True, compensation={"action": "undo-a", "params": {"of": [path]}}), faults=1)
    stories = [told(one) for one in proof.findings if one.kind == "needs_attention"]
    assert any(story[-1] == "undo a needs a result that never came" for story in stories) == needs
