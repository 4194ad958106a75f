"""Processes that users describe as data: steps, conditions, waits, and an undo for each step."""
