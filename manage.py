#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# SQLSTATEs of missing tables and columns.
UNDEFINED = {"42P01", "42703"}
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - files that never reach a disk


def stop(number: int, frame: object) -> None:
    """Exit with status 0, without a second signal that would interrupt the stop of the embedded database."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(0)


def share_metrics() -> None:
    """Name the folder in which the workers count, before prometheus_client is imported and looks for it."""
    parent, own = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None, os.getpid()
    try:
        folder = tempfile.mkdtemp(prefix="modelhub-metrics-", dir=parent)
    except OSError as error:
        sys.exit(f"modelhub cannot start: MODELHUB_METRICS_TOKEN is set, and there is no folder for metrics: {error}.")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    # Forked workers run this, too.
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == own else None)


def main() -> None:
    """Run a command; settings that cannot be used are one sentence, and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["serve"]:
        for number in STOP_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, stop)
        if os.environ.get("MODELHUB_METRICS_TOKEN") or os.environ.get("MODELHUB_METRICS_TOKEN_FILE"):
            share_metrics()
    # Not at the top: Django takes a third of a second, in which a signal has to be handled already.
    management, exceptions = import_module("django.core.management"), import_module("django.core.exceptions")
    database = import_module("django.db")
    try:
        management.execute_from_command_line(sys.argv)
    except exceptions.ImproperlyConfigured as error:
        sys.exit(f"modelhub cannot start: {error}")
    except database.OperationalError as error:
        reason = " ".join(str(error).split())
        sys.exit(f"modelhub cannot start: the database cannot be used (check DATABASE_URL): {reason}")
    except database.ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") not in UNDEFINED:
            raise
        sys.exit("modelhub: the database lacks tables of this version; start the server, or run manage.py migrate.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
