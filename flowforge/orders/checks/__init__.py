"""The audit's questions, one file an area."""
