"""What goes in and out over HTTP, and its documentation."""
