"""The end of another process, and the forks of this one."""

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
SLOW_END = """
import os, time
from modelhub.serving.processes import CHECK_SECONDS, stop_with

class Slow:
    def __del__(self, sleep=time.sleep, seconds=2 * CHECK_SECONDS):
        sleep(seconds)

slow = Slow()
stop_with(str(os.getpid()))
raise SystemExit(3)
"""


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


FORK = """
import gc, django
django.setup()
gc.disable()
from modelhub.serving import server
server._prepare_forks()
print(gc.isenabled(), gc.get_freeze_count() > 1000)
"""


def test_workers_collect_garbage_though_a_start_does_not() -> None:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr


def test_a_slow_end_beside_another_process_has_a_status_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW_END], cwd=ROOT, check=False)
    assert done.returncode == 3
