"""The tables, one module an aggregate."""
