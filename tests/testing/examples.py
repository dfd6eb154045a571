"""Examples of pages as a tester runs them: in a folder of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.folders import temporary_folder
from tests.servers import ROOT, Server

DJANGO_SETTINGS = 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}\n'
OWN = ("MODELHUB_", "PYTEST_", "DJANGO_", "FI_")


@contextmanager
def example_folder() -> Iterator[Path]:
    """Make a folder for an example, with the command `modelhub` of this checkout."""
    with temporary_folder() as folder:
        program = folder / "bin" / "modelhub"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "manage.py"}" "$@"\n')
        program.chmod(0o755)
        yield folder


def run(*command: str, folder: Path, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with `text` as its input, without settings of the test process."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    # Prepared clusters stay out of the home folder.
    env["XDG_CACHE_HOME"] = str(folder)
    env["PATH"] = f"{folder / 'bin'}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        command, input=text, env=env | more, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def run_test_file(
    text: str, server: Server, others: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin on `test_scores.py`, beside the other files; one that names Django has its plugin."""
    with example_folder() as folder:
        for name, content in {**others, "test_scores.py": text}.items():
            (folder / name).write_text(content)
        django = {}
        if "django" in text:
            (folder / "project_settings.py").write_text(DJANGO_SETTINGS)
            django = {"DJANGO_SETTINGS_MODULE": "project_settings"}
        plugins = ["-p", "pytest_django.plugin"] if django else []
        return run(
            *(sys.executable, "-m", "pytest", "-p", "pytest_modelhub.plugin", "-p", "no:cacheprovider", *plugins),
            folder=folder,
            **django,
            PYTHONPATH=str(ROOT / "pytest-modelhub"),
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            MODELHUB_URL=server.base_url,
        )
