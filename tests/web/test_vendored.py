"""Vendored scripts are the files of their packages, byte for byte."""

import hashlib
import re

import pytest

from tests.folders import ROOT


@pytest.mark.parametrize("folder", ["modelhub/static/modelhub/vendor", "tests/web/vendor"])
def test_every_file_has_the_hash_of_its_row(folder: str) -> None:
    text = (ROOT / folder / "README.md").read_text()
    rows = re.findall(r"^\| (\S+\.js) .* ([0-9a-f]{64}) \|$", text, re.MULTILINE)
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (ROOT / folder).glob("*.js")}
    assert found
    assert dict(rows) == found
