"""The worker: runs the workflows of orders, of their returns and of definitions, and all their activities."""
