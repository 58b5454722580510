"""Append-only claims in, dated decisions out; unknown means no."""
