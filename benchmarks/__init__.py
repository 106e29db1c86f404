"""Measures the server beside others: loads in C, one file per benchmark, and the report that they end in."""
