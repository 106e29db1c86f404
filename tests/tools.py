"""The outside programs that tests start, and the Debian package of each.

`python3 -m tests.tools` prints the packages that this machine lacks. CI asks with a Python that has no pytest
yet, so this module imports nothing outside the standard library.
"""

from __future__ import annotations

import shutil

PACKAGES = {
    "bash": "bash",
    "busybox": "busybox",
    "curl": "curl",
    "gnutls-cli": "gnutls-bin",
    "inetutils-telnet": "inetutils-telnet",
    "jq": "jq",
    "make": "make",
    "nc": "netcat-openbsd",
    "nc.openbsd": "netcat-openbsd",
    "nc.traditional": "netcat-traditional",
    "ncat": "ncat",
    "openssl": "openssl",
    "plink": "putty-tools",
    "socat": "socat",
    "systemd-analyze": "systemd",
}


def missing(*tools: str) -> list[str]:
    """Return those of these tools that this machine lacks."""
    return [tool for tool in tools if shutil.which(tool) is None]


def advice(tools: list[str]) -> str:
    """Return the line that says what to install."""
    packages = " ".join(PACKAGES[tool] for tool in tools)
    return f"needs {', '.join(tools)}: apt-get install {packages}"


if __name__ == "__main__":
    print(*(PACKAGES[tool] for tool in missing(*PACKAGES)))
