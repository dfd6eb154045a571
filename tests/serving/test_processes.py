"""The end of another process, the forks of this one, and its exit status."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from modelhub.serving.processes import is_running
from tests.folders import ROOT

# The next process gets the id after this one.
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK), reason="needs root on Linux")
def test_a_later_process_with_the_same_id_is_another_one() -> None:
    with subprocess.Popen(["sleep", "1000"]) as first:
        watched = psutil.Process(first.pid)
        first.kill()
    time.sleep(0.05)  # times of creation have steps of 10 ms
    for _ in range(1000):
        LAST_PID.write_text(str(first.pid - 1))
        with subprocess.Popen(["sleep", "1000"]) as later:
            runs = is_running(watched) if later.pid == first.pid else None
            later.kill()
        if later.pid == first.pid:
            assert runs is False
            return
    pytest.fail("other processes took the id each time")


def test_a_process_ends_as_a_zombie() -> None:
    """Its parent may wait for it later, or never."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        watched = psutil.Process(process.pid)
        assert is_running(watched)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.pid_exists(process.pid)
        assert not is_running(watched)


# Python's end takes a while after it has restored the handlers of signals.
MAIN = """
import signal, sys, time, weakref
from modelhub import command_line
from modelhub.serving import processes

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(0.1)

def stop_in_a_callback():
    thing = Slow()
    reference = weakref.ref(thing, lambda reference: signal.raise_signal(signal.SIGTERM))
    del thing

processes.CHECK_SECONDS = 0.002
slow = Slow()
sys.argv = ["modelhub", "serve", *sys.argv[1:]]
{}
command_line.main("config.settings")
"""


def exit_status(*arguments: str, code: str = "") -> int:
    """Return the status of `serve` after a line of code that replaces a part of the start."""
    own = ["--ephemeral", "--stop-with", str(os.getpid())]
    command = [sys.executable, "-c", MAIN.format(code), *own, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize(("arguments", "status"), [(["serve"], 2), (["--port", "x"], 78)])
def test_a_stop_with_another_process_changes_no_exit_status(arguments: list[str], status: int) -> None:
    assert exit_status(*arguments) == status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("command_line.share_metrics = lambda: signal.raise_signal(signal.SIGTERM)", 0),
        # A callback of a weak reference swallows the exit, which comes a moment later.
        ("command_line.check_django = stop_in_a_callback; command_line.share_metrics = lambda: time.sleep(30)", 0),
        ("command_line.share_metrics = lambda: [stop_in_a_callback(), time.sleep(30)]", 0),
        ("command_line.share_metrics = lambda: [stop_in_a_callback(), sys.exit(7)]", 7),
    ],
)
def test_a_signal_is_a_stop_until_the_end(code: str, status: int) -> None:
    assert exit_status("serve", code=code) == status
