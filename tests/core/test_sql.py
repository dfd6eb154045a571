"""SQL in files: one command each, under a versioned name that something loads."""

import re
from pathlib import Path

import pytest

from tests.folders import ROOT

FILES = sorted((ROOT / "modelhub").glob("*/sql/*.sql"))
CODE = "\n".join(path.read_text() for path in (ROOT / "modelhub").rglob("*.py"))


def test_there_are_files() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_holds_one_command_under_a_versioned_name(path: Path) -> None:
    text = path.read_text()
    assert re.fullmatch(r"[a-z_]+_v[1-9][0-9]*", path.stem)
    assert not text.rstrip().endswith(";")
    assert re.findall(r"CREATE FUNCTION (\w+)", text) in ([], [f"modelhub_{path.stem}"])
    assert f'read_sql("{path.parent.parent.name}", "{path.stem}")' in CODE
