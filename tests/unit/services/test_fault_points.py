"""Fault points: the process that reaches the one that was asked for dies or freezes there, and nowhere else."""

import os
import signal
import subprocess
import sys

import pytest

from flowforge.errors import StartupError
from flowforge.services.fault_points import OPERATIONS, FaultPoint, nowhere

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
    with pytest.raises(StartupError, match=f"FLOWFORGE_FAULT_POINT='{asked}' is not allowed; allowed: kill or stop"):
        FaultPoint(asked)


@pytest.mark.parametrize("asked", ["", "kill:payments.charge:before", "nonsense"])
def test_without_permission_no_fault_point_is_there(asked: str) -> None:
    assert FaultPoint.reach(asked, is_allowed=False) is nowhere


def test_every_operation_can_be_named() -> None:
    for operation in OPERATIONS:
        assert isinstance(FaultPoint.reach(f"stop:{operation}:inside", is_allowed=True), FaultPoint)
