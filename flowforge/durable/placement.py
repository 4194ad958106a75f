"""Where a step runs: inside the workflow task, or through the task queue. Nothing else knows."""

from typing import Literal

Placement = Literal["auto", "local", "queue"]
