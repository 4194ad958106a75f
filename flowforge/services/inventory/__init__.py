"""Catalogue and stock: quote, reserve, release."""
