"""The lines of the wire: places, events, codec and framing. Pure; `tcpchat.protocol` is the front."""
