"""Free TCP ports on the loopback interface."""

import secrets
import socket

FIRST, LAST = 15_000, 32_000
"""Below the ranges from which systems take the ports of outgoing connections (Linux from 32768, macOS and Windows from
49152): a port stays free while its server is down.
"""


def free_port() -> int:
    """A port on which nothing listens. Another process may take it before it is used: a server that finds it taken
    should be started again on another one.
    """
    while True:
        # not from `random`, which Hypothesis seeds: parallel runs would draw the same ports
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if _is_free(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
