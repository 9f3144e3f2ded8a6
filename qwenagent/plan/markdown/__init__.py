"""Markdown as blocks, leaves and single lines, and the YAML above it. Knows nothing of plans."""
