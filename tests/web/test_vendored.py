"""Vendored scripts are the files of their packages, byte for byte."""

import hashlib
import re

from tests.folders import ROOT

VENDOR = ROOT / "modelhub" / "static" / "modelhub" / "vendor"


def test_every_file_has_the_hash_of_its_row() -> None:
    rows = re.findall(r"^\| (\S+\.js) .* ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.MULTILINE)
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*.js")}
    assert found
    assert dict(rows) == found
