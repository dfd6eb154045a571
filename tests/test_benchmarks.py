"""The benchmarks run: no figure is looked at, only that every program comes to its end and says something."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import EMBEDDED, ROOT, data_folder, environment

QUICK = ["--rounds", "1", "--seconds", "0.05"]


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """One folder for all: the first program makes the database."""
    with data_folder() as folder:
        yield folder


QUICK_ONES = [
    ([*QUICK, "--sizes", "3", "--clients", "2"], "updates that change nothing: no row written"),
    ([*["--reading", "--scores", "100"], *QUICK], "export: 100 scores"),
]
OTHERS = [
    (["--profile", "--requests", "2", "--sizes", "3"], "SQL select store_scores"),
    (["--load", "--scores", "20", "--size", "5", "--clients", "2"], "20 scores, 5 a request, 2 clients"),
    (["--soak", "--requests", "20", "--clients", "2"], "most resident memory"),
    ([*["--scale", "--small", "20", "--large", "200", "--sizes", "1"], *QUICK], "history of a score"),
]


@pytest.mark.parametrize(
    ("arguments", "said"),
    QUICK_ONES + (OTHERS if "BENCHMARKS" in os.environ else []),
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_every_program_comes_to_its_end(kept: Path, arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        env=environment(kept, **EMBEDDED, BENCHMARK_DATA_DIR=str(kept)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout
