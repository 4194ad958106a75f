"""`orders`: what an operator does with orders, from any machine that reaches the API."""
