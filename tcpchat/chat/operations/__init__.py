"""Operations: what changes the chat, one module per theme. `base` tells how they work."""
