"""The screen of a person. The only part that imports prompt-toolkit."""
