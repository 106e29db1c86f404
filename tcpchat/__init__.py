"""tcpchat: a chat server that talks to netcat, and a client that people live in."""

__version__ = "0.1.0"
