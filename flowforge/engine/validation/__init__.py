"""What can be known to be wrong with a definition before it ever runs."""
