"""Health check of the container: sends a request as a client does, and exits with 0 on a reply."""

import os
import socket
import sys

SECONDS = 2  # a healthy server replies much sooner


def main() -> int:
    port = int(os.environ.get("TCPCHAT_PORT", "8000"))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(b"exit\n")  # leaves no guest behind
            lines = connection.makefile("rb").readlines()
    except OSError as error:
        print(error)
        return 1
    return 0 if lines and b'"type":"bye"' in lines[-1] else 1


if __name__ == "__main__":
    sys.exit(main())
