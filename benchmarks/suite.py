"""Seconds of a run of pytest in which each test has an organization of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROCESSES = 2
TESTS = """
import pytest


@pytest.mark.parametrize("number", range({count}))
def test_a_batch_is_stored(modelhub, number):
    scores = [
        {{"label_id": modelhub.label("star"), "value": {{"rating": 4}}}},
        {{"label_id": modelhub.label("categorical"), "value": {{"selected": ["positive"]}}}},
    ]
    batch = {{"source_type": "trace", "source_id": modelhub.source("trace"), "scores": scores}}
    answer = modelhub.request("POST", "/model-hub/scores/bulk/", json=batch)
    assert (answer.status, answer.json()["errors"]) == (201, [])
"""


def suite(folder: Path, rounds: int, count: int) -> str:
    """Run `count` tests with pytest-modelhub, start and stop of the server included."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_scores.py").write_text(TESTS.format(count=count))
    # The first run warms up: it may have to prepare a cluster.
    seconds = [_time_run(folder, count) for _ in range(rounds + 1)][1:]
    return (
        f"{count} tests on {PROCESSES} processes: "
        f"{median(seconds):.2f} s [{min(seconds):.2f} to {max(seconds):.2f}], {len(seconds)} runs"
    )


def _time_run(folder: Path, count: int) -> float:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(PROCESSES)]
    began = time.perf_counter()
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert f"{count} passed" in result.stdout, result.stdout[-2000:] + result.stderr
    return time.perf_counter() - began
