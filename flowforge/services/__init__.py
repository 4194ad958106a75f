"""The services an order touches, each as a port with adapters, do and undo side by side."""
