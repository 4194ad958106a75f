"""The process that JavaScript runs in. It is started by its file's path and imports nothing of ours.

It reads requests from its standard input and writes answers to its standard output, each a length of four bytes, most
significant first, and so much JSON. Before an answer's length, and once when it is ready, it writes in eight bytes how
many seconds of computing it has taken so far. A request is `{"code", "input", "context"}`, where the latter two are
texts of JSON; an answer is `{"result"}`, a text of JSON again, or `{"code", "message"}`. Every request has a JavaScript
of its own, with nothing in it that reads, writes, waits or asks. It ends with its input, or when somebody kills it.
"""

import contextlib
import json
import math
import os
import struct
import sys
import time
from typing import Any, Final

import quickjs  # type: ignore[import-untyped]  # it comes without types

with contextlib.suppress(ImportError):  # not on Windows
    import resource

MEMORY_BYTES: Final = 64 * 1024 * 1024
CPU_S: Final = 1.0
STACK_BYTES: Final = 512 * 1024
MAX_RESULT_BYTES: Final = 256 * 1024
_ADDRESS_SPACE_BYTES: Final = 1024 * 1024 * 1024
_LONGEST_MESSAGE: Final = 300

# What it needs is taken before the code can put something else in its place. `Function` keeps the code from ending the
# function that it is in.
_PROGRAM: Final = """
(function () {
  "use strict";
  const make = Function, parse = JSON.parse, write = JSON.stringify, Later = Promise;
  return function (code, input, context) {
    const value = make("input", "context", code)(parse(input), parse(context));
    if (value instanceof Later) throw new TypeError("a promise is no result: nothing runs later here");
    const text = write(value);
    return text === undefined ? "null" : text;
  };
})()
"""


def main() -> None:
    """Say that we are ready, then answer requests until there are no more."""
    _limit()
    requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    answers.write(struct.pack(">d", time.process_time()))
    answers.flush()
    while len(head := requests.read(4)) == 4:
        request = json.loads(requests.read(struct.unpack(">I", head)[0]))
        _allow_some_time()
        answer = json.dumps(_answer(request), ensure_ascii=True).encode()
        answers.write(struct.pack(">dI", time.process_time(), len(answer)) + answer)
        answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        result = _run(request["code"], request["input"], request["context"])
    except quickjs.StackOverflow:
        return _problem("transform_too_deep", "the code calls itself too deep")
    except MemoryError:
        return _problem("transform_memory", f"the code needs more than {MEMORY_BYTES >> 20} MiB")
    except quickjs.JSException as error:
        return _thrown(str(error))
    size = len(result.encode("utf-8", "surrogatepass"))
    if size > MAX_RESULT_BYTES:
        return _problem("result_too_large", f"the result has {size} bytes, at most {MAX_RESULT_BYTES}")
    return {"result": result}


def _run(code: str, value: str, context: str) -> str:
    javascript = quickjs.Context()
    javascript.set_memory_limit(MEMORY_BYTES)
    javascript.set_max_stack_size(STACK_BYTES)
    run = javascript.eval(_PROGRAM)
    javascript.set_time_limit(CPU_S)
    result: str = run(code, value, context)
    return result


def _thrown(text: str) -> dict[str, Any]:
    line = text.partition("\n")[0]
    if line == "InternalError: interrupted":
        return _problem("transform_timeout", f"the code takes longer than {CPU_S:g} s")
    if line.startswith("InternalError: out of memory") or not line:
        return _problem("transform_memory", f"the code needs more than {MEMORY_BYTES >> 20} MiB")
    return _problem("transform_failed", line[:_LONGEST_MESSAGE])


def _problem(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}


def _limit() -> None:
    """Let this process open, write and start nothing any more, nor grow without end."""
    if "resource" not in globals():
        return
    _at_most(resource.RLIMIT_CORE, 0)
    _at_most(resource.RLIMIT_FSIZE, 0)
    _at_most(resource.RLIMIT_NOFILE, 3)
    if hasattr(resource, "RLIMIT_NPROC"):
        _at_most(resource.RLIMIT_NPROC, 0)
    if sys.platform == "linux":  # elsewhere this limit is not kept, or cannot be set
        _at_most(resource.RLIMIT_AS, _ADDRESS_SPACE_BYTES)


def _allow_some_time() -> None:
    """Have the system end this process when a request takes a second of computing more than it may."""
    if "resource" in globals():
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + CPU_S) + 1, hard))


def _at_most(kind: int, limit: int) -> None:
    resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
