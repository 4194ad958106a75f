"""Making Temporal's SDK log as the rest of the process does."""

import logging

from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter


def forward_logs() -> None:
    """Send the SDK's lines, those of its Rust core too, to Python's logging. Call it before the first client is made.

    The SDK would else print the core's lines by itself, in a format of its own, and write ids into messages that
    are fields of their own already.
    """
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    forwarding = LogForwardingConfig(
        logger=logging.getLogger("temporalio.core"), append_target_to_name=False, prepend_target_on_message=False
    )
    core = TelemetryFilter(core_level="WARN", other_level="ERROR")
    telemetry = TelemetryConfig(logging=LoggingConfig(filter=core, forwarding=forwarding))
    Runtime.set_default(Runtime(telemetry=telemetry), error_if_already_set=False)
