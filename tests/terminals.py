"""Programs on a pseudo-terminal, as a person at a keyboard runs them."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping

# A program asks a terminal for these brackets around pasted text, and gets it as one input.
ASKS_FOR_BRACKETS, OPEN, CLOSE = "\x1b[?2004h", "\x1b[200~", "\x1b[201~"
PROMPTED_SECONDS = 0.5


def type_into(command: list[str], text: str, *, until: str, env: Mapping[str, str], seconds: float = 30) -> str:
    """Paste text into a program and press Enter. Return its output up to the words `until`."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (50, 120))
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=dict(env), start_new_session=True
    ) as process:
        os.close(follower)
        try:
            shown = _read(leader, "", until, time.monotonic() + PROMPTED_SECONDS if text else 0)
            while text and not shown:
                shown = _read(leader, shown, until, time.monotonic() + PROMPTED_SECONDS)
            pasted = f"{OPEN}{text}{CLOSE}" if ASKS_FOR_BRACKETS in shown else text
            keys = (pasted.replace("\n", "\r") + "\r").encode() if text else b""
            for start in range(0, len(keys), 256):
                os.write(leader, keys[start : start + 256])
                shown = _read(leader, shown, until, time.monotonic() + 0.01)
            return _read(leader, shown, until, time.monotonic() + seconds)
        finally:
            process.kill()
            os.close(leader)


def _read(leader: int, shown: str, until: str, end: float) -> str:
    """Return the output so far, read until a moment, the words or the end."""
    while until not in shown and time.monotonic() < end:
        if select.select([leader], [], [], 0.01)[0]:
            try:
                shown += os.read(leader, 4096).decode(errors="replace")
            except OSError:
                break  # the program closed the terminal
    return shown
