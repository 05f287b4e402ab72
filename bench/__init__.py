"""Measures of speed and memory: `python -m bench`; docs/performance.md says what the lines mean."""
