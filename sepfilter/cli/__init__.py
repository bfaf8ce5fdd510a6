"""The command line: one module a command, and nothing but Click and words in it."""
