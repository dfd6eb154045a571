"""Programs on a pseudo-terminal, as a person at a keyboard runs them."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping


def type_into(command: list[str], text: str, *, until: str, env: Mapping[str, str], seconds: float = 30) -> str:
    """Paste text into a program. Return its output up to the words `until`."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (50, 120))
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=dict(env), start_new_session=True
    ) as process:
        os.close(follower)
        shown, end, rest = "", time.monotonic() + seconds, text.encode()
        try:
            while until not in shown and time.monotonic() < end:
                readable, writable, _ = select.select([leader], [leader] if rest else [], [], 0.1)
                if readable:
                    try:
                        shown += os.read(leader, 4096).decode(errors="replace")
                    except OSError:
                        # The program closed the terminal.
                        break
                if writable and shown:
                    rest = rest[os.write(leader, rest[:256]) :]
        finally:
            process.kill()
            os.close(leader)
    return shown
