"""SQL in files: one command each, which something loads; functions have versioned names."""

import re
from pathlib import Path

import pytest

from tests.folders import ROOT

# A start with test controls runs all files of their folder.
CONTROLS = sorted((ROOT / "modelhub" / "testing" / "sql").glob("*.sql"))
FILES = sorted({*(ROOT / "modelhub").glob("*/sql/*.sql")} - {*CONTROLS})
CODE = "\n".join(path.read_text() for path in (ROOT / "modelhub").rglob("*.py"))


def test_there_are_files() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_holds_one_command_that_something_loads(path: Path) -> None:
    assert not path.read_text().rstrip().endswith(";")
    assert f'read_sql("{path.parent.parent.name}", "{path.stem}")' in CODE


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_function_is_named_as_its_file_with_a_version_and_a_statement_has_none(path: Path) -> None:
    functions = re.findall(r"CREATE FUNCTION (\w+)", path.read_text())
    version = re.search(r"_v[1-9][0-9]*$", path.stem)
    assert functions == ([f"modelhub_{path.stem}"] if version else [])


@pytest.mark.parametrize("path", CONTROLS, ids=[path.stem for path in CONTROLS])
def test_a_file_of_the_test_controls_creates_one_thing_of_its_name(path: Path) -> None:
    assert not path.read_text().rstrip().endswith(";")
    created = re.findall(
        r"^CREATE (?:FUNCTION |TABLE |TRIGGER )(modelhub_testing\.)?(\w+)", path.read_text(), re.MULTILINE
    )
    assert [name for _, name in created] == [path.stem]
    assert 'read_folder("testing")' in CODE
