"""A project of a tester, in which pytest runs as a process of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
SERVER = [sys.executable, str(HERE.parent / "manage.py")]


@dataclass
class Project:
    """A folder with tests that use the plugin."""

    pytester: pytest.Pytester

    @property
    def folder(self) -> Path:
        return self.pytester.path

    def run(self, *arguments: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        """Run pytest with the plugin and these others."""
        return self.pytester.runpytest_subprocess(*options(*arguments, plugins=plugins), timeout=120)

    def start(self, *arguments: str, plugins: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start pytest in a process group of its own, and do not wait for it."""
        command = [sys.executable, "-m", "pytest", *options(*arguments, plugins=plugins)]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )


def options(*arguments: str, plugins: tuple[str, ...]) -> list[str]:
    loaded = [option for plugin in ("pytest_modelhub.plugin", *plugins) for option in ("-p", plugin)]
    return [*loaded, "-p", "no:cacheprovider", "-W", "error", *arguments]
