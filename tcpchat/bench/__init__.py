"""The load of `tcpchat bench`: many raw sockets, in processes of their own, and a summary. No terminal."""
