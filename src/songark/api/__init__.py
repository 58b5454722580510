"""What a program of yours may call: one module a verb, each with a function of its name."""
