"""The worker: runs the order workflow and the services' activities."""
