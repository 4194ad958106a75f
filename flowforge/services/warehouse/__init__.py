"""The warehouse: ship what was reserved, and take it back."""
