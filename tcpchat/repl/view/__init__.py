"""How everything looks: styled fragments, no terminal. Pure."""
