"""The interpreter of definitions: a pure function from a state and an event to a state and commands."""
