"""The parts of the client library; `tcpchat.client` is its front."""
