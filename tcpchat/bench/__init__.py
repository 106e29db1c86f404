"""Loads a server of the user's own and says how it did. Talks raw sockets; knows no terminal."""
