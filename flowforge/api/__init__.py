"""The HTTP API: orders in, their state and its events out."""
