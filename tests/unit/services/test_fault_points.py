"""Fault points: the process that reaches the one that was asked for dies or freezes there, and nowhere else."""

import os
import signal
import subprocess
import sys

import pytest

from flowforge.errors import InjectedFault, StartupError
from flowforge.services.fault_points import OF_SAMPLES, OPERATIONS, FaultPoint, nowhere

_PROGRAM = """
import sys
from flowforge.services.fault_points import FaultPoint

reach = FaultPoint(sys.argv[1])
for operation in ("inventory.reserve", "payments.charge", "payments.charge.undo"):
    for moment in ("before", "inside", "after-commit"):
        print(operation, moment, flush=True)
        reach(operation, moment)
        reach(operation, moment)
"""


def start(asked: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, asked], stdout=subprocess.PIPE)  # noqa: S603 -- ours


@pytest.mark.parametrize("time", ["", ":1", ":2"])
@pytest.mark.parametrize("moment", ["before", "inside", "after-commit"])
def test_process_that_reaches_it_is_killed_there(moment: str, time: str) -> None:
    with start(f"kill:payments.charge:{moment}{time}") as process:
        told, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert told.decode().splitlines()[-1] == f"payments.charge {moment}"


def test_process_that_never_reaches_it_lives() -> None:
    with start("kill:payments.charge:inside:3") as process:
        told, _ = process.communicate()
    assert (process.returncode, len(told.splitlines())) == (0, 9)


def test_process_that_was_stopped_goes_on_when_continued() -> None:
    with start("stop:payments.charge:before") as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate()
    assert (process.returncode, len(told.splitlines())) == (0, 9)


@pytest.mark.parametrize(
    "asked", ["payments.charge", "kill:payments.charge", "kill:x.y:before", "kill:payments.charge:after"]
)
def test_fault_point_that_does_not_exist_is_one_line(asked: str) -> None:
    with pytest.raises(StartupError, match=f"FLOWFORGE_FAULT_POINT='{asked}' is not allowed; allowed: kill, stop"):
        FaultPoint(asked)


@pytest.mark.parametrize("asked", ["", "kill:payments.charge:before", "nonsense"])
def test_without_permission_no_fault_point_is_there(asked: str) -> None:
    assert FaultPoint.reach(asked, is_allowed=False) is nowhere


def test_every_operation_can_be_named() -> None:
    for operation in (*OPERATIONS, *OF_SAMPLES):
        assert isinstance(FaultPoint.reach(f"stop:{operation}:inside", is_allowed=True), FaultPoint)


def test_service_that_is_out_of_order_works_again_after_as_many_failures() -> None:
    reach = FaultPoint("fail:payments.charge:before:2")
    for _ in range(2):
        with pytest.raises(ConnectionError, match=r"payments\.charge is out of order"):
            reach("payments.charge", "before")
    reach("payments.charge", "before")
    reach("payments.charge", "inside")


def test_service_that_refuses_for_good_never_works_again() -> None:
    reach = FaultPoint("refuse:payments.charge.undo:before")
    for _ in range(9):
        with pytest.raises(InjectedFault):
            reach("payments.charge.undo", "before")


def test_several_fault_points_are_all_there() -> None:
    asked = "fail:payments.charge:before:1,refuse:payments.charge:inside:1"
    reach = FaultPoint.reach(asked, is_allowed=True)
    with pytest.raises(ConnectionError):
        reach("payments.charge", "before")
    with pytest.raises(InjectedFault):
        reach("payments.charge", "inside")
