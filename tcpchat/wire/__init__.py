"""The wire: message classes, codec and framing. Pure; `tcpchat.protocol` is its front."""
