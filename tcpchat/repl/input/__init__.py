"""What a person types: its meaning, what may complete it, and what came before the connection. Pure."""
