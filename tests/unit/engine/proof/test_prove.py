"""What a proof finds, each with the shortest story that leads there, and what it lets pass."""

from typing import Any

from flowforge.cli.workflows.known import KnownActions
from flowforge.engine.proof.prove import Proof, prove
from flowforge.engine.validation.catalogue import ActionFacts, Waits
from flowforge.engine.validation.deeds import NO_EFFECT
from tests.unit.engine.proof.chains import chain, defined, finding, found, proved, step, told

WAIT = {"action": "wait", "compensation": None}


class Fenced:
    """Knows that every action is fenced."""

    def find(self, name: str) -> ActionFacts | None:
        return ActionFacts(name=name, fenced=True)

    def names(self) -> list[str]:
        return []


def test_steps_with_their_undos_hold_and_unfenced_ones_only_where_nobody_is_strict() -> None:
    proof = prove(chain(2))
    assert (proof.holds(), proof.holds(strict=True)) == (True, False)
    assert found(proof) == {("brought_back", "s0"), ("brought_back", "s1")}
    late = finding(proof, "brought_back", "s0")
    assert told(late) == ["s0 times out, its effect may come late", "undo s0 succeeds", "s0 takes effect late"]


def test_fenced_steps_hold_strictly() -> None:
    assert prove(chain(3), Fenced()).holds(strict=True)


def test_effect_without_undo_before_a_step_that_can_fail_is_left_behind() -> None:
    proof = proved(step("charge", compensation=None), step("ship", "charge"), faults=1)
    told_of = told(finding(proof, "left_behind", "charge"))
    assert told_of == ["charge fails after its effect"]
    answering = proved(
        step("charge", compensation=None, fenced=True),
        step("ship", "charge", action="fail", compensation=None),
        faults=0,
    )
    assert told(finding(answering, "left_behind", "charge")) == ["charge succeeds", "ship is refused"]


def test_wait_without_a_timeout_waits_for_ever() -> None:
    approval = step("approve", "a", params={"event": "approved"}, **WAIT)
    proof = proved(step("a", fenced=True), approval)
    assert told(finding(proof, "waits_for_ever", "approve")) == ["a succeeds", "approve waits"]


class Asking:
    """Knows that actions ask somebody, and wait for the answer."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits

    def find(self, name: str) -> ActionFacts | None:
        return ActionFacts(name=name, fenced=True, waits=self._waits if name == "ask" else "never")

    def names(self) -> list[str]:
        return []


def test_action_that_waits_for_ever_is_found_unless_its_step_has_a_timeout() -> None:
    def asking(waits: Waits, **keys: Any) -> Proof:
        return prove(defined(step("a", action="do"), step("b", "a", action="ask", **keys)), Asking(waits))

    for_ever = asking("for ever")
    assert told(finding(for_ever, "waits_for_ever", "b")) == ["a succeeds", "b waits"]
    for proof in (asking("never"), asking("in time"), asking("for ever", timeout="3d")):
        assert proof.holds(strict=True)
    assert asking("in time").states > asking("never").states


def test_wait_with_a_timeout_of_its_own_or_of_its_run_ends() -> None:
    cases: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        ({"params": {"event": "go", "timeout": "3d"}}, {}),
        ({"params": {"event": "go"}, "timeout": "3d"}, {}),
        ({"params": {"event": "go"}}, {"timeout": "3d"}),
    )
    for keys, body in cases:
        proof = proved(step("a", fenced=True), step("w", "a", **keys, **WAIT), **body)
        assert found(proof) == set()


def test_error_branch_that_does_not_clean_up_leaves_something_behind() -> None:
    charge = step("charge", onError="branch", errorBranch="tell", fenced=True)
    proof = proved(charge, step("tell", action="log", compensation=None), faults=1)
    story = told(finding(proof, "left_behind", "charge"))
    assert story == ["charge fails after its effect", "tell succeeds"]
    assert proof.ends["completed"] > 0


def test_error_branch_that_undoes_what_failed_leaves_nothing() -> None:
    charge = step("charge", onError="branch", errorBranch="clean", fenced=True)
    clean = step("clean", action="undo-charge", compensation=None)
    proof = proved(charge, clean, faults=1)
    assert ("left_behind", "charge") not in found(proof)


def test_effect_that_a_step_undoes_besides_its_compensation_is_undone_twice() -> None:
    refund = step("refund", "charge", action="undo-charge", compensation=None)
    proof = proved(step("charge", fenced=True), refund, step("ship", "refund", fenced=True), faults=1)
    story = told(finding(proof, "undone_twice", "charge"))
    assert story[:2] == ["charge succeeds", "refund fails after its effect"]
    assert story[-1] == "undo charge succeeds"


def test_undo_that_gives_up_and_one_that_needs_a_lost_result_are_listed() -> None:
    once = {"action": "undo-a", "retryPolicy": {"maxAttempts": 1}}
    proof = proved(
        step("a", fenced=True, compensation=once), step("b", "a", action="fail", compensation=None), faults=1
    )
    listed = finding(proof, "needs_attention", "a")
    assert (listed.severity, proof.holds(strict=True)) == ("note", True)
    assert told(listed) == ["a succeeds", "b is refused", "undo a is refused"]
    asking = {"action": "undo-a", "params": {"id": "${undo.result.id}"}}
    story = told(finding(proved(step("a", compensation=asking), faults=1), "needs_attention", "a"))
    assert story == ["a is refused", "undo a needs a result that never came"]


def test_run_that_is_held_is_listed_and_undone_once_it_is_given_up() -> None:
    proof = proved(step("a", fenced=True), failurePolicy="hold", faults=1)
    assert told(finding(proof, "needs_attention", "a")) == ["a is refused"]
    assert proof.ends["compensated"] > 0


def test_reading_over_http_has_no_effect_and_writing_has() -> None:
    def call(method: str) -> dict[str, object]:
        return step("a", action="http.request", compensation=None, params={"url": "http://x", "method": method})

    assert found(proved(call("GET"), step("b", "a", fenced=True))) == set()
    assert found(proved(call("POST"))) == {("left_behind", "a")}


def test_loops_and_items_undo_every_visit_and_every_item() -> None:
    again = {"condition": "a.more", "to": "a"}
    loop = step("a", dependsOn=None, fenced=True, transitions=[again, {"to": None}])
    assert found(proved(loop, initialStepId="a")) == set()
    assert (
        found(
            proved(
                step("a", fenced=True, forEach={"items": "${x}", "concurrency": 2}),
                step("b", "a", action="fail", compensation=None),
            )
        )
        == set()
    )
    assert prove(defined(loop, initialStepId="a"), faults=2).holds(strict=True)


def test_what_the_proof_knows_of_actions_without_an_effect_is_what_they_say_of_themselves() -> None:
    known = KnownActions()
    for name in NO_EFFECT:
        facts = known.find(name)
        assert facts is not None
        assert not facts.has_effect, name
