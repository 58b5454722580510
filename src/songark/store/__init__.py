"""Keeps bytes by their root and checks them for ever."""
