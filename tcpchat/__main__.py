"""`python -m tcpchat` is the `tcpchat` command."""

from tcpchat.cli import main

if __name__ == "__main__":
    main()
