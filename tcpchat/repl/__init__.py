"""The terminal client. The only part that imports prompt-toolkit."""
