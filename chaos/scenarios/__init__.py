"""The faults, one kind a file, each with what it is to do to orders: nothing."""
