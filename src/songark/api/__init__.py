"""What a program of yours may call: ``songark.api.open_ark(path)``."""
