"""The tests mirror the tree; stories and e2e tell what people do."""
