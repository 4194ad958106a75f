"""What the product's reliability is proved with: processes killed at every effect, money and stock counted after."""
