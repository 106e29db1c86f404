"""Serving connections: their requests in order, the pipeline, output, background tasks, TLS."""
