"""What pages are made of: marks, looks, live elements."""
