"""The terminal client, and the one for pipes."""
