"""What happens without a click, called by hand."""
