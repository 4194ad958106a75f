"""Definitions with their revisions, and the runs' rows, in the database."""
