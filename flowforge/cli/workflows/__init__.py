"""Commands over definitions: in files, which needs no server, and of a running FlowForge."""
