"""Definitions that a fresh installation has published; each file is one, as an author would send it."""
