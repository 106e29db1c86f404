"""The measurement behind docs/terminals.md: what terminals show, answer and send. It is no part of CI."""
