"""The distribution as users get it, built and installed outside of the clone."""

import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from tests.servers import ROOT

SOURCES = ("MANIFEST.in", "pyproject.toml", "setup.py", "README.md", "LICENSE", "config", "modelhub")
HOOK = "import sys; from setuptools import build_meta; print(build_meta.build_{}(sys.argv[1]))"


@dataclass(frozen=True)
class Installed:
    """A wheel, and an environment in which it is installed."""

    wheel: Path
    environment: Path

    @property
    def command(self) -> str:
        return str(self.environment / "bin" / "modelhub")

    @property
    def python(self) -> str:
        return str(self.environment / "bin" / "python")

    @property
    def packages(self) -> Path:
        """Return the folder that has the package, and nothing of its dependencies."""
        [folder] = self.environment.glob("lib/python*/site-packages")
        return folder


def copy_sources(target: Path, names: tuple[str, ...] = SOURCES) -> Path:
    """Copy files and folders of the clone: a build leaves folders beside them."""
    target.mkdir()
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target / name)
    return target


def build(kind: str, sources: Path, target: Path) -> Path:
    """Build a `wheel` or an `sdist` as pip does (PEP 517), with the setuptools of the tests."""
    command = [sys.executable, "-c", HOOK.format(kind), str(target)]
    result = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=True)
    return target / result.stdout.splitlines()[-1]


def make_environment(folder: Path, *distributions: str) -> Path:
    """Make an environment that borrows packages from the one of the tests. Return its Python.

    It borrows all of them, or only those of the named distributions.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    if distributions:
        for name in distributions:
            found = distribution(name)
            for entry in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                (packages / entry).symlink_to(Path(str(found.locate_file(entry))))
    else:
        # Files .pth of a folder that such a line adds are not read, so the editable clone stays out.
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


def add_wheel(wheel: Path, python: Path) -> None:
    """Install the wheel into the environment of this Python."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-cache", "--no-deps"]
    subprocess.run([*uv, "--python", str(python), str(wheel)], check=True)


def install(wheel: Path, environment: Path) -> Installed:
    """Install the wheel into a new environment."""
    add_wheel(wheel, make_environment(environment))
    return Installed(wheel, environment)
