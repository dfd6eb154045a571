"""docs/testing.md is true: its examples run.

- The `sh` blocks of a section are one script, with `modelhub` on the PATH and a server with test controls for
  `http://127.0.0.1:8000`. A `json` or `text` block after one of them is its output.
- A `python` block is a test file for pytest with the plugin. A `text` block after it is the output of pytest. One that
  begins with the name of a file is that file, beside the test files after it in the section.
- The `javascript` blocks are the helper and a test file.

In an output white space does not count, and `…` stands for any characters.
"""

import ast
import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from itertools import pairwise

import pytest
import yaml

from tests.installed import SOURCES, copy_sources, make_environment
from tests.servers import ROOT, Server
from tests.testing.examples import example_folder, run, run_test_file

PAGE = (ROOT / "docs" / "testing.md").read_text()
# Printed after the output of each block.
END = "-- end of the block --"


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, with the number of its line, and the one after it."""

    section: str
    line: int
    language: str
    text: str


def find_blocks() -> list[Block]:
    blocks, section = [], ""
    for match in re.finditer(r"^## ([^\n]*)$|^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        section = match[1] or section
        if match[1] is None:
            blocks.append(Block(section, PAGE[: match.start()].count("\n") + 1, match[2], match[3]))
    return blocks


BLOCKS = find_blocks()
SCRIPTS = list(dict.fromkeys(block.section for block in BLOCKS if block.language == "sh"))
FILES = [block for block in BLOCKS if block.language == "python"]
FILE_NAME = re.compile(r"# (\w+\.py)\n")
TEST_FILES = [block for block in FILES if not FILE_NAME.match(block.text)]


HELPER, JAVASCRIPT_TESTS = [block.text for block in BLOCKS if block.language == "javascript"]
NODE = shutil.which("node") or "node"
NO_MODELHUB = "/usr/bin:/bin"


def find_output(block: Block) -> str | None:
    """Return the output that the page shows after a block, in its section."""
    after = [other for other in BLOCKS[BLOCKS.index(block) + 1 :] if other.section == block.section]
    languages = {"text"} if block.language == "python" else {"json", "text"}
    return after[0].text if after and after[0].language in languages else None


def check_output(block: Block, output: str) -> None:
    if (shown := find_output(block)) is not None:
        pattern = ".*?".join(re.escape("".join(part.split())) for part in shown.split("…"))
        assert re.fullmatch(pattern, "".join(output.split())), f"line {block.line}:\n{output}"


@pytest.mark.skipif(None in map(shutil.which, ("bash", "curl", "jq")), reason="needs bash, curl and jq")
@pytest.mark.parametrize("section", SCRIPTS)
def test_the_commands_of_a_section_have_the_outputs_after_them(controlled: Server, section: str) -> None:
    blocks = [block for block in BLOCKS if (block.section, block.language) == (section, "sh")]
    script = "".join(f"{block.text}\necho '{END}'\n" for block in blocks)
    script = script.replace("http://127.0.0.1:8000", controlled.base_url)
    with example_folder() as folder:
        result = run("bash", "-eu", "-o", "pipefail", text=script, folder=folder)

    assert result.returncode == 0, result.stdout + result.stderr
    for block, output in zip(blocks, result.stdout.split(END), strict=False):
        check_output(block, output)


@pytest.mark.parametrize("block", TEST_FILES, ids=lambda block: f"line {block.line}")
def test_the_python_examples_have_the_outputs_after_them(controlled: Server, block: Block) -> None:
    before = FILES[: FILES.index(block)]
    names = [(FILE_NAME.match(other.text), other) for other in before if other.section == block.section]
    result = run_test_file(block.text, controlled, {name[1]: other.text for name, other in names if name})

    assert result.returncode == ("failed" in (find_output(block) or "")), result.stdout + result.stderr
    check_output(block, result.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_javascript_example_runs_with_a_server_of_its_own() -> None:
    with example_folder() as folder:
        (folder / "modelhub.mjs").write_text(HELPER)
        (folder / "scores.test.mjs").write_text(JAVASCRIPT_TESTS)
        result = run("node", "modelhub.mjs", "node", "--test", folder=folder)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "# pass 3\n" in result.stdout


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("command", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 1)])
def test_the_javascript_helper_ends_with_the_status_of_its_command(command: str, status: int) -> None:
    with example_folder() as folder:
        (folder / "modelhub.mjs").write_text(HELPER)
        words = ["node", "modelhub.mjs", "sh", "-c", command]
        assert run(*words, folder=folder, MODELHUB_URL="http://127.0.0.1:1").returncode == status


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(
    ("words", "environment", "status", "sentence"),
    [
        (["true"], {"PATH": NO_MODELHUB}, 127, "The program modelhub must be on the PATH: spawn modelhub ENOENT"),
        (["true"], {"MODELHUB_PRODUCTION": "true"}, 1, "The modelhub server ended: status 78"),
        (["absent"], {"MODELHUB_URL": "http://127.0.0.1:1"}, 127, "spawn absent ENOENT"),
        ([], {"MODELHUB_URL": "http://127.0.0.1:1"}, 2, "Usage: node modelhub.mjs COMMAND"),
    ],
)
def test_the_javascript_helper_ends_with_one_sentence(
    words: list[str], environment: dict[str, str], status: int, sentence: str
) -> None:
    with example_folder() as folder:
        (folder / "modelhub.mjs").write_text(HELPER)
        result = run(NODE, "modelhub.mjs", *words, folder=folder, **environment)

    assert (result.returncode, result.stderr.splitlines()[-1]) == (status, sentence)
    assert len(result.stderr.splitlines()) <= 2


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_errors_of_the_javascript_helper_are_those_of_the_server(controlled: Server) -> None:
    script = "const { admin } = await import('./modelhub.mjs'); await admin('PUT', 'clock', {});"
    with example_folder() as folder:
        (folder / "modelhub.mjs").write_text(HELPER)
        result = run("node", "-e", f"(async () => {{{script}}})()", folder=folder, MODELHUB_URL=controlled.base_url)
    assert "Error: PUT clock: 400 organization must be given, as a UUID" in result.stderr


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert TEST_FILES
    outputs = [block for block in BLOCKS if block.language in {"json", "text"}]
    assert outputs == [after for before, after in pairwise(BLOCKS) if after.text == find_output(before)]
    assert {block.language for block in BLOCKS} <= {"sh", "json", "text", "python", "javascript", "yaml", "ini"}


JOBS = [yaml.safe_load(block.text)["jobs"]["test"] for block in BLOCKS if block.language == "yaml"]
SETTINGS = (ROOT / "docs" / "settings.md").read_text()


def test_the_jobs_of_ci_install_only_distributions_of_this_repository() -> None:
    assert len(JOBS) == 2
    for job in JOBS:
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert commands[-1].split()[0] == "pytest"
        installed = [install(command) for command in commands if "git+" in command]
        assert "pytest-modelhub" in installed
        assert ("modelhub-server[embedded]" in installed) == ("services" not in job)


def install(command: str) -> str:
    """Return the distribution of a `pip install` from git, which is the one in that folder."""
    pip = r"(?:\.\./modelhub-server/bin/)?pip"
    url = r"git\+https://[\w./]+(?:#subdirectory=([\w-]+))?"
    found = re.fullmatch(rf'{pip} install "([\w-]+)(\[\w+\])? @ {url}"', command)
    assert found, command
    project = tomllib.loads((ROOT / (found[3] or ".") / "pyproject.toml").read_text())["project"]
    assert project["name"] == found[1]
    extra = found[2] or ""
    assert not extra or extra.strip("[]") in project["optional-dependencies"]
    return found[1] + extra


def test_the_service_of_ci_is_the_image_with_test_controls() -> None:
    [job] = [job for job in JOBS if "services" in job]
    service, dockerfile = job["services"]["modelhub"], (ROOT / "Dockerfile").read_text()
    assert service["env"] == {"MODELHUB_TEST_CONTROLS": "true"}
    assert "| `MODELHUB_TEST_CONTROLS` | `false` |" in SETTINGS
    [ports] = service["ports"]
    outside, inside = ports.split(":")
    assert re.search(rf"^    PORT={inside}$", dockerfile, re.MULTILINE)
    assert job["env"] == {"MODELHUB_URL": f"http://127.0.0.1:{outside}"}
    # The job waits for the health check of the image, whose command the snippet keeps.
    assert re.search(r"^HEALTHCHECK .*\n    CMD .*/healthz", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"--health-interval \d+s", service["options"])


INIS = [block.text for block in BLOCKS if block.language == "ini"]


@pytest.mark.parametrize(
    ("heading", "environments", "ini"),
    [
        ("### Install the server into the environment of the project", ("venv",), ""),
        ("### Give the server an environment of its own", ("venv", "modelhub-server"), INIS[0]),
    ],
)
def test_an_installation_and_the_first_test_work_without_a_network(
    heading: str, environments: tuple[str, ...], ini: str
) -> None:
    found = re.search(r"^\n((?:    .*\n)+)", PAGE.split(f"{heading}\n")[1], re.MULTILINE)
    assert found
    check_installation([line.strip() for line in found[1].splitlines()], environments, ini)


def test_the_job_of_ci_without_a_container_works_without_a_network() -> None:
    commands = [step["run"] for step in JOBS[0]["steps"] if "run" in step]
    folders = {"modelhub-server[embedded]": "../modelhub[embedded]", "pytest-modelhub": "../modelhub/pytest-modelhub"}
    local = [
        f'{command.split(" install ")[0]} install "{folders[install(command)]}"' if "git+" in command else command
        for command in commands[:-1]
    ]
    assert commands[-1].startswith("pytest ")
    check_installation(local, ("venv", "modelhub-server"), "", commands[-1].removeprefix("pytest "))


def check_installation(commands: list[str], environments: tuple[str, ...], ini: str, arguments: str = "") -> None:
    """Check that the first test of the page passes in a project after the commands."""
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    with example_folder() as folder:
        for name in environments:
            # Environments of the example borrow what a network would bring.
            python = make_environment(folder / name)
            pip = python.with_name("pip")
            pip.write_text(f'#!/bin/sh\nPIP_PYTHON="{python}" exec "{sys.executable}" -m pip "$@"\n')
            pip.chmod(0o755)
        copy_sources(folder / "modelhub", (*SOURCES, "pytest-modelhub"))
        project = folder / "project"
        project.mkdir()
        (project / "test_scores.py").write_text(TEST_FILES[0].text)
        (project / "pytest.ini").write_text(ini or "[pytest]\n")
        (project / "requirements.txt").touch()
        programs = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        lines = "".join(f"{command}\n" for command in commands if "-m venv" not in command)
        result = run("sh", "-e", folder=project, text=lines, PATH=programs, **offline)
        assert result.returncode == 0, result.stderr

        tests = ["python", "-m", "pytest", "-p", "modelhub", "-p", "no:cacheprovider", *arguments.split()]
        result = run(*tests, folder=project, PATH=programs, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert "1 passed" in result.stdout, result.stdout
        for name in ("venv", "modelhub-server"):
            assert (folder / name / "bin" / "modelhub").exists() == (name == environments[-1])


def test_uvx_starts_the_server_from_a_clone() -> None:
    [_, name] = INIS
    # In place of uvx, which needs a network: it takes the arguments apart as the real one does.
    words = "--from modelhub-server[embedded] @ file:///path/to/modelhub"
    uvx = f'#!/bin/sh\n[ "$1 $2" = "{words}" ] && shift 2 && exec "$@"\n'
    with example_folder() as folder:
        (folder / "bin" / "uvx").write_text(uvx)
        (folder / "bin" / "uvx").chmod(0o755)
        (folder / "pytest.ini").write_text(name)
        (folder / "test_scores.py").write_text(TEST_FILES[0].text)
        tests = [sys.executable, "-m", "pytest", "-p", "pytest_modelhub.plugin", "-p", "no:cacheprovider"]
        plugin = {"PYTHONPATH": str(ROOT / "pytest-modelhub"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        result = run(*tests, folder=folder, **plugin)
    assert "1 passed" in result.stdout, result.stdout


MODULE = ast.parse((ROOT / "pytest-modelhub" / "pytest_modelhub" / "organization.py").read_text())
CLASSES = {node.name: node for node in MODULE.body if isinstance(node, ast.ClassDef)}


def test_the_attributes_of_the_fixture_that_are_named_exist() -> None:
    named = set(re.findall(r"`modelhub\.(\w+)(?:\.(\w+))?", PAGE)) - {("mjs", "")}
    assert named
    for attribute, method in named:
        assert attribute in members_of("Modelhub")
        assert not method or method in members_of(attribute.capitalize())


@pytest.mark.parametrize(
    ("heading", "name", "elsewhere"),
    [
        ("| faults | effect |", "Faults", {"method", "path", "label_id", "times"}),
        ("| fault | value |", "Fault", set[str]()),
        ("| clock | effect |", "Clock", set[str]()),
        ("| ids | effect |", "Ids", set[str]()),
        ("| one of `requests` | value |", "RecordedRequest", set[str]()),
    ],
)
def test_each_table_of_names_is_complete(heading: str, name: str, elsewhere: set[str]) -> None:
    cells = re.findall(r"^\| (.*?) \|", PAGE.split(f"{heading}\n|---|---|\n")[1].split("\n\n")[0], re.MULTILINE)
    documented: dict[str, set[str]] = {}
    for member, _, arguments in re.findall(r"`(\w+)(\((.*?)\))?`", "".join(cells)):
        documented[member] = {*arguments.split(", ")} - {"", "times=None"}
    declared = members_of(name)
    assert documented.keys() == declared.keys()
    for member, given in declared.items():
        assert documented[member] == {one for one in given if one.partition("=")[0] not in elsewhere}, member


def members_of(name: str) -> dict[str, set[str]]:
    """Return the public attributes and methods of a class, with the arguments of methods."""
    node = CLASSES[name]
    members = {ast.unparse(one.target): set[str]() for one in node.body if isinstance(one, ast.AnnAssign)}
    members |= {one.name: arguments_of(one.args) for one in node.body if isinstance(one, ast.FunctionDef)}
    return {member: arguments for member, arguments in members.items() if not member.startswith("_")}


def arguments_of(arguments: ast.arguments) -> set[str]:
    names = [one.arg for one in [*arguments.args, *arguments.kwonlyargs]][1:]
    defaults = [ast.unparse(one) for one in [*arguments.defaults, *arguments.kw_defaults] if one]
    required = len(names) - len(defaults)
    return {
        *names[:required],
        *(f"{one}={default}".replace("'", '"') for one, default in zip(names[required:], defaults, strict=True)),
    }
