"""The other ways to write a definition, each turned into the canonical one."""
