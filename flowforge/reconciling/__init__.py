"""Open orders and open runs whose workflows are gone are found, in every worker, and made whole."""
