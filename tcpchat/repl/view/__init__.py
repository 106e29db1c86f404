"""The look of everything, as styled fragments; no terminal. Pure."""
