"""Compares what is cleared with what is held under a budget and writes the difference down."""
