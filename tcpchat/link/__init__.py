"""The parts of the client library: dialling, handshake, calls in flight, inbox, credentials."""
