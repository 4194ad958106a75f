"""Proves a definition before it runs: every state that faults can lead to, and what is left of the world in each."""
