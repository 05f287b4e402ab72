"""Each address on its own, without a browser."""
