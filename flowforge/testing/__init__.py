"""Tests of definitions: in virtual time, without a server, in milliseconds a run."""
