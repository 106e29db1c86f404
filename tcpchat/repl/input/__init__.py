"""Typed lines: their meaning, their completion, and those from before the connection. Pure."""
