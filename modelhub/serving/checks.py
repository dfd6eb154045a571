"""Checks before the start, each with one sentence for the operator."""

import errno
import socket

from django.core.exceptions import ImproperlyConfigured


def check_port(host: str, port: int) -> None:
    """Raise `ImproperlyConfigured` when the address cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sentence = f"cannot listen on {host}:{port} ({error.strerror}); set HOST and PORT."
            if error.errno == errno.EADDRINUSE:
                sentence = f"port {port} on {host} is in use; stop what uses it, or set PORT to a free one."
            raise ImproperlyConfigured(sentence) from error
