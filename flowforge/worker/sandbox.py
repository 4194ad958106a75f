"""The workflow sandbox, entered when a workflow has something to do and for nothing else.

For each payload that goes in or out, the SDK asks a workflow's instance, several times, in which context it is to be
converted, and the sandboxed instance enters the sandbox to answer: sixty times for an order, a sixth of a millisecond
each. Only codecs, converters and storages that depend on the context want to know.
"""

from collections.abc import Sequence
from typing import Any

from temporalio.converter import DataConverter, SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info


def sandbox_for(converter: DataConverter) -> WorkflowRunner:
    """Return the sandbox that workflows run in.

    Our packages are passed through: they are imported once per process, not once per run, which would cost 38 ms for
    each order instead of 1.3 ms. What workflow code may import is enforced by the import contracts.

    Args:
        converter: the client's; where it encrypts or stores payloads elsewhere it is told the context of each.
    """
    restrictions = SandboxRestrictions.default.with_passthrough_modules("flowforge", "pydantic", "pydantic_core")
    sandbox = SandboxedWorkflowRunner(restrictions=restrictions)
    if converter.payload_codec is None and converter.external_storage is None:
        return _WithoutContext(sandbox)
    return sandbox


class _WithoutContext(WorkflowRunner):
    """A runner whose instances say of every payload that its context is none in particular."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: Any) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _InstanceWithoutContext(self._runner.create_instance(det))

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._runner.set_worker_level_failure_exception_types(types)


class _InstanceWithoutContext(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: Any) -> Any:
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:  # noqa: ARG002
        return None

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:  # noqa: ARG002
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()
