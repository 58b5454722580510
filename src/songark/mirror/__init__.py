"""Choosing, fetching, checking, seeding and rebuilding sealed releases."""
