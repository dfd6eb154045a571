"""Command line of the server, for `modelhub` and `manage.py`."""

import atexit
import errno
import os
import signal
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from modelhub.serving.ephemeral import MEMORY, remove_at_exit
from modelhub.serving.options import apply_options, name_options

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NO_TABLES = "{} lacks tables of this version; start the server, or run modelhub migrate."
# By SQLSTATE: a table or column is missing, the role has no right, the database or role is read-only.
DATABASE_ERRORS = {
    "42P01": NO_TABLES,
    "42703": NO_TABLES,
    "42501": "the role of DATABASE_URL has too few rights for this command: {}",
    "25006": "the database stores nothing: {}",
}
# That of pyproject.toml.
DJANGO = (5, 2)
# Commands of django-axes look for its tables.
NO_LOCKS = (
    "modelhub: failed logins are counted in memory or in MODELHUB_CACHE_URL, and {} finds none of them; wait for "
    "the end of the period, or see docs/operations.md, Limit requests."
)
# The reader of a pipe has ended, the disk is full.
UNWRITABLE = {errno.EPIPE, errno.ENOSPC}
# EX_CONFIG of sysexits.h: the settings cannot be read, and a restart would not change that.
EXIT_FAILED, EXIT_SETTINGS = 1, 78
RETRY_SECONDS = 0.01


def stop(number: int, frame: object) -> None:
    end(0)


def interrupt(number: int, frame: object) -> None:
    """Exit with the status of a killed program; temporary files are removed."""
    end(128 + number)


def end(status: int) -> NoReturn:
    """Exit by an exception. A second signal would interrupt the embedded database."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.unraisablehook = exit_again
    sys.exit(status)


def exit_again(swallowed: "sys.UnraisableHookArgs") -> None:
    """Exit a moment later, after a signal during a callback of a weak reference.

    Python swallows exceptions there, and each import ends with such a callback.
    """
    if isinstance(swallowed.exc_value, SystemExit):
        status = swallowed.exc_value.code
        signal.signal(signal.SIGALRM, lambda number, frame: sys.exit(status))
        signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
    else:
        sys.__unraisablehook__(swallowed)


def handle_signals(serves: bool) -> None:
    """Handle the signals that end a command, Ctrl-C of `serve` only."""
    # Runs last. Python then restores default handlers, and a timer's signal would kill the process.
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGALRM})
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN and (serves or number != signal.SIGINT):  # nohup
            signal.signal(number, stop if serves else interrupt)


def open_streams() -> None:
    """Open closed standard streams: other files would take their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is that of the stream.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def check_django() -> None:
    """Exit with a sentence beside another Django, from PYTHONPATH or a later installation."""
    django = import_module("django")
    if django.VERSION[:2] != DJANGO:
        sys.stderr.write(
            f"modelhub cannot start: it needs Django {'.'.join(map(str, DJANGO))}, got {django.__version__} of "
            f"{django.__path__[0]}; install modelhub-server into an environment of its own.\n"
        )
        sys.exit(EXIT_SETTINGS)


def leave_pool() -> None:
    """Connect one by one: a pool hides why a connection failed, and goes on trying."""
    # Without settings, `help` works.
    with suppress(import_module("django.core.exceptions").ImproperlyConfigured):
        for database in import_module("django.conf").settings.DATABASES.values():
            database["OPTIONS"].pop("pool", None)


def leave_metrics() -> None:
    """Count in no folder of another application in the same shell."""
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)


def share_metrics() -> None:
    """Name the folder in which the workers count; prometheus_client reads it once."""
    if not (os.environ.get("MODELHUB_METRICS_TOKEN") or os.environ.get("MODELHUB_METRICS_TOKEN_FILE")):
        return
    try:
        folder = tempfile.mkdtemp(prefix="modelhub-metrics-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)
    except OSError as error:
        sys.exit(f"modelhub cannot start: MODELHUB_METRICS_TOKEN is set, and there is no folder for metrics: {error}.")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    remove_at_exit(Path(folder))


def explain(error: Exception) -> str | None:
    """Return the sentence about an error that no bug causes, for the terminal."""
    exceptions, database = import_module("django.core.exceptions"), import_module("django.db")
    words = " ".join(str(error).split())
    if isinstance(error, exceptions.ImproperlyConfigured):
        return f"modelhub cannot start: {error}"
    if isinstance(error, database.OperationalError):
        return f"modelhub cannot start: the database cannot be used (check DATABASE_URL): {words}"
    if isinstance(error, database.DatabaseError):
        sentence = DATABASE_ERRORS.get(sqlstate(error))
        return sentence and f"modelhub: {sentence.format(name_database() if sentence == NO_TABLES else words)}"
    if isinstance(error, EOFError):
        return "modelhub: standard input has ended before the command had its answers; run it on a terminal."
    if isinstance(error, UnicodeEncodeError):
        # Bytes of the shell that are not UTF-8.
        wrong = next((text for text in sys.argv if any("\ud800" <= character <= "\udfff" for character in text)), None)
        return wrong and f"modelhub: an argument must be UTF-8, got {wrong!a}."
    return None


def name_database() -> str:
    """Return the folder of the embedded database, or name and host of another."""
    settings = import_module("django.db").connection.settings_dict
    if settings["ENGINE"].endswith(".embedded_postgres"):
        return f"the database in the data folder {settings['DATA_DIR'].parent}"
    return f"the database {settings['NAME']} on {settings['HOST'] or 'the default host'}"


def program_name() -> str:
    """Return the words before the name of a command, as users type them."""
    name = Path(sys.argv[0]).name
    return "python -m modelhub" if name == "__main__.py" else name


def sqlstate(error: BaseException) -> str:
    """Return the code of psycopg's error, which Django wraps, and migrate once more."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "sqlstate", None) or ""


def main(settings_module: str = "modelhub.deployment.settings") -> None:
    """Run a command. Unusable settings are one sentence, and exit status 78."""
    # Of a shell that works on another Django project, the variable names the settings of that one.
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    serves, options = sys.argv[1:2] == ["serve"], {}
    handle_signals(serves)
    open_streams()
    check_django()
    leave_metrics()
    if serves:
        options = apply_options(sys.argv[2:])
        share_metrics()
    if sys.argv[1:2] and sys.argv[1].startswith(("axes_", "axes-")):
        sys.exit(NO_LOCKS.format(sys.argv[1]))
    # Not at the top: Django takes a third of a second, in which a signal has to be handled already.
    program = import_module("modelhub.management.program")
    try:
        if not serves:
            leave_pool()
        program.Program([program_name(), *sys.argv[1:]]).execute()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        # Python writes the rest at its end, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"modelhub: the output cannot be written: {error.strerror}.")
    except Exception as error:
        if (sentence := explain(error)) is None:
            raise
        sys.stderr.write(f"{name_options(sentence, options)}\n")
        sys.exit(EXIT_FAILED if import_module("django.conf").settings.configured else EXIT_SETTINGS)
