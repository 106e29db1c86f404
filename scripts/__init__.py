"""The scripts of the repository."""
