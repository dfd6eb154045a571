"""docs/testing.md is true: its examples run, in the order of the page.

The `sh` blocks of a section are one script, with `modelhub` on the PATH and a server with test controls for
`http://127.0.0.1:8000`. A `json` or `text` block after one of them is its output: white space does not count, and `…`
stands for any characters.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.folders import temporary_folder
from tests.servers import ROOT, Server

PAGE = (ROOT / "docs" / "testing.md").read_text()
# Printed after the output of each block.
END = "-- end of the block --"


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, with the number of its line."""

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


def run(script: str, server: Server, folder: Path) -> list[str]:
    """Run a script; return the outputs of its blocks."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-eu", "-o", "pipefail"],
        input=script.replace("http://127.0.0.1:8000", server.base_url),
        env=os.environ | {"PATH": programs, "TMPDIR": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.split(END)


def pattern_of(expected: str) -> str:
    return ".*?".join(re.escape("".join(part.split())) for part in expected.split("…"))


@pytest.mark.parametrize("section", SCRIPTS)
def test_the_commands_of_a_section_have_the_outputs_after_them(controlled: Server, section: str) -> None:
    blocks = [block for block in BLOCKS if block.section == section]
    scripts = [block.text for block in blocks if block.language == "sh"]
    with temporary_folder() as folder:
        outputs = iter(run("".join(f"{text}\necho '{END}'\n" for text in scripts), controlled, folder))
    output = ""
    for before, block in zip([None, *blocks], blocks, strict=False):
        output = next(outputs) if block.language == "sh" else output
        if before and before.language == "sh" and block.language in ("json", "text"):
            assert re.fullmatch(pattern_of(block.text), "".join(output.split())), (block.line, output)


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert BLOCKS
    assert [block for block in BLOCKS if block.language not in ("sh", "json", "text")] == []
