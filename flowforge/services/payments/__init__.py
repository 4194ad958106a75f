"""Money: charge and refund."""
