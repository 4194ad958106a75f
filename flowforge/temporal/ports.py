"""Local TCP ports: finding a free one, and saying clearly when one is taken."""

import errno
import socket

from flowforge.errors import StartupError


def free(host: str) -> int:
    """Return a port that is free on `host` now; the system seldom hands out the same one twice in a row."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(host: str, port: int, what: str) -> None:
    """Make sure that `port` can be listened on.

    Args:
        host: the numeric address to listen on.
        port: the port.
        what: whose port it is, for the message.

    Raises:
        StartupError: it is taken, or not ours to take.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a connection of a former process that lingers is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"port {port} for {what} is taken; stop the program that uses it or choose another port"
            else:
                reason = f"port {port} for {what} cannot be used on {host} ({error.strerror}); choose another port"
            raise StartupError(reason) from None
