"""What happens without a click, or takes longer than one."""
