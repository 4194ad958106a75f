"""Reaching Temporal: the client, and a development server of our own."""
