"""What pages are made of, and the bridge to the browser."""
