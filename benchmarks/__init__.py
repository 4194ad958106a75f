"""What the product's speed is measured with; not part of the package that is installed."""
