"""Conditions as their authors write them: a metered subset of JavaScript (docs/expressions.md)."""
