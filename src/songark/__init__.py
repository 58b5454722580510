"""Songark keeps the world's music lawfully, with proofs, and gives it away in bulk."""

__version__ = "0.1.0"
