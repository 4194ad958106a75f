"""Workflow-safe building blocks of sagas on Temporal; imports nothing else of FlowForge."""
