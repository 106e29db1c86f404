"""The state of the chat: who is here, what is pending, what is allowed. No I/O, all synchronous."""
