"""The state of one conversation, as far as the client knows it. Pure but for the settings' file."""
