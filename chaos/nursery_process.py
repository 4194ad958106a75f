"""A process that has imported everything, and forks the product's commands: they start in a tenth of the time.

Each child is the worker command or the api command, nothing else, in a process of its own. Requests come on standard
input, one JSON object a line: the command, its arguments, the environment to add, and the file for what it prints.
Events go to standard output in the same manner: `started` (in the order of the requests), `stopped` (by a signal, but
alive) and `exited`, with the exit code or the signal's number below zero. When standard input ends, all children are
killed.
"""

import json
import os
import resource
import selectors
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from temporalio.worker._worker import load_default_build_id

# What the commands import when they run.
import flowforge.cli.composition
import flowforge.cli.serving
import flowforge.cli.working
import flowforge.temporal.runtime  # noqa: F401
from flowforge.cli.api import api
from flowforge.cli.loaded import keep_loaded
from flowforge.cli.worker import worker

_COMMANDS: Final = {"worker": worker, "api": api}


def tell(event: str, pid: int, code: int = 0) -> None:
    """Write one event."""
    os.write(1, json.dumps({"event": event, "pid": pid, "code": code}).encode() + b"\n")


def fork(request: Mapping[str, Any]) -> int:
    """Fork a child that runs a command; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(request["environment"])
    log = request["log"]
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(Path(log).parent)  # where there is no .env
    if request["largest_file"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"], resource.RLIM_INFINITY))
    _COMMANDS[request["command"]](**request["arguments"])
    raise AssertionError("a command leaves by itself")


def tell_of_children(living: set[int]) -> None:
    """Tell whose state changed."""
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return
        if os.WIFSTOPPED(status):
            tell("stopped", pid)
        else:
            living.discard(pid)
            tell("exited", pid, os.waitstatus_to_exitcode(status))


def main() -> None:
    """Serve until standard input ends."""
    # The SDK hashes all code there is and keeps the sum: most of what a worker needs to start.
    load_default_build_id()
    keep_loaded()  # a collection of its own would have each child copy all that it shares
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ready = selectors.DefaultSelector()
    ready.register(0, selectors.EVENT_READ)
    ready.register(woken, selectors.EVENT_READ)
    living: set[int] = set()
    asked = b""
    while True:
        readable = {key.fd for key, _ in ready.select()}
        if 0 in readable:
            more = os.read(0, 65536)
            if not more:
                break
            *lines, asked = (asked + more).split(b"\n")
            for line in lines:
                living.add(pid := fork(json.loads(line)))
                tell("started", pid)
        if woken in readable:
            os.read(woken, 65536)
            tell_of_children(living)
    for pid in living:
        os.kill(pid, signal.SIGKILL)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
