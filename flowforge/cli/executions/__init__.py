"""`executions`: what an operator does with runs of definitions, from any machine that reaches the API."""
