"""Chaos: real clients and the real server while all between and under them fails, replayable by a seed."""
