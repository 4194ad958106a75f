"""The load on the engine as a process of its own: runs over HTTP, and what their histories came to.

python -m benchmarks.engine_load HOST PORT TEMPORAL
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

import yaml
from temporalio.client import Client

from benchmarks.http_client import Connection, HttpError, request_bytes
from benchmarks.line_service import run_load, serve_lines

_ENDED: Final = frozenset({"completed", "failed", "compensated", "cancelled", "needs_attention"})
_COMPLETED: Final = b'"status": "completed"'
_RUNS: Final = b'"status": "running"'
_LOOK_EVERY_S: Final = 0.5


async def main(host: str, port: int, temporal: str) -> None:
    """Run definitions on request.

    `{"workflow": "a", "input": {}, "count": 100, "in_flight": 50}` runs many to their ends and times each;
    `{"publish": {}, "form": "yaml", "count": 10}` times the publishing of a definition that is always another one;
    `{"start": "a", "input": {}}` starts one and answers `{"execution": ""}`; `{"look": "exec-…"}` tells how it is;
    `{"story": "exec-…"}` tells how many runs of Temporal's it took, and how long their histories were.
    """
    caller = _Caller(host, port, await Client.connect(temporal))

    async def measure(request: dict[str, Any]) -> dict[str, Any]:
        if "workflow" in request:
            return await caller.run(request)
        if "publish" in request:
            return await caller.publish(request["publish"], request["form"], request["count"])
        if "start" in request:
            return await caller.start(request["start"], request["input"])
        if "look" in request:
            return await caller.look(request["look"])
        return await caller.story(request["story"])

    await serve_lines(measure)


class _Caller:
    def __init__(self, host: str, port: int, temporal: Client) -> None:
        self._host, self._port, self._temporal = host, port, temporal
        self._name = f"{host}:{port}"

    async def run(self, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"type": request["workflow"], "input": request["input"]}).encode()
        start = request_bytes("POST", "/workflows/start", self._name, body=body, prefer="wait=60")
        lanes = [await Connection.open(self._host, self._port) for _ in range(request["in_flight"])]

        async def once(lane: int, _number: int) -> None:
            status, answer = await lanes[lane].request(start)
            if status == 200 and _RUNS in answer:  # longer than a request may wait
                execution = json.loads(answer)["executionId"]
                while not (looked := await self.look(execution))["is_over"]:
                    pass
                answer = json.dumps(looked).encode()
            if status != 200 or _COMPLETED not in answer:
                raise HttpError(f"a run did not complete: {status} {answer[:500]!r}")

        try:
            return await run_load(request["count"], request["in_flight"], once)
        finally:
            for lane in lanes:
                lane.close()

    async def publish(self, definition: dict[str, Any], form: str, count: int) -> dict[str, Any]:
        took_ms, body = [], b""
        for number in range(count):
            another = {**definition, "description": f"the {number}th"}
            text = json.dumps(another) if form == "json" else yaml.safe_dump(another, sort_keys=False)
            body = text.encode()
            began = time.perf_counter()
            await self._ask("POST", "/workflows", body, f"application/{form}")
            took_ms.append((time.perf_counter() - began) * 1000)
        return {"took_ms": took_ms, "bytes": len(body)}

    async def start(self, workflow: str, given: dict[str, Any]) -> dict[str, Any]:
        answer = await self._ask("POST", "/workflows/start", json.dumps({"type": workflow, "input": given}).encode())
        return {"execution": answer["executionId"]}

    async def look(self, execution: str) -> dict[str, Any]:
        await asyncio.sleep(_LOOK_EVERY_S)
        found = await self._ask("GET", "/executions?limit=200")
        run = next(run for run in found if run["executionId"] == execution)
        return {"status": run["status"], "is_over": run["status"] in _ENDED, "duration_ms": run["duration"]}

    async def story(self, execution: str) -> dict[str, Any]:
        """Follow the runs of Temporal's from the first to the last."""
        lengths: list[int] = []
        sizes: list[int] = []
        run_id: str | None = None
        first = await self._temporal.get_workflow_handle(execution).describe()
        run_id = first.raw_description.workflow_execution_info.first_run_id or first.run_id
        while run_id:
            handle = self._temporal.get_workflow_handle(execution, run_id=run_id)
            history = await handle.fetch_history()
            lengths.append(len(history.events))
            sizes.append(sum(event.ByteSize() for event in history.events))
            run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return {"events": lengths, "bytes": sizes}

    async def _ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> Any:
        connection = await Connection.open(self._host, self._port)
        try:
            status, answer = await connection.request(
                request_bytes(method, path, self._name, body=body, media_type=media_type)
            )
        finally:
            connection.close()
        if status >= 300:
            raise HttpError(f"{method} {path}: {status} {answer[:500]!r}")
        return json.loads(answer)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
