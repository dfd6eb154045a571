"""docs/queues.md is true: its examples run, in an organization of their own."""

import re
import sys
from collections.abc import Iterator

import pytest

from tests.servers import ROOT, Server
from tests.testing.examples import example_folder, run
from tests.testing.pages import key_of_a_page, run_sessions

PAGE = ROOT / "docs" / "queues.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def headers(controlled: Server) -> Iterator[dict[str, str]]:
    """Return the headers of a key as the page has it."""
    with key_of_a_page(controlled) as key:
        yield key


def test_every_example_has_its_result(controlled: Server, headers: dict[str, str]) -> None:
    sessions = [text for language, text in BLOCKS if language == "pycon"]
    attempted, failures = run_sessions(PAGE, sessions, controlled, headers)
    assert attempted > 50
    assert not failures, failures


def test_the_annotation_backend_prints_the_text_after_it(controlled: Server, headers: dict[str, str]) -> None:
    [(program, output)] = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    keys = {"FI_API_KEY": headers["X-Api-Key"], "FI_SECRET_KEY": headers["X-Secret-Key"]}
    with example_folder() as folder:
        for _ in range(2):  # A second run finds the objects of the first.
            result = run(sys.executable, "-", folder=folder, text=program, MODELHUB_URL=controlled.base_url, **keys)
            assert (result.returncode, result.stdout) == (0, output), result.stderr


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    languages = [language for language, _ in BLOCKS]
    assert {*languages} == {"pycon", "python", "text"}
    # Three pictures and one output.
    assert (languages.count("python"), languages.count("text")) == (1, 4)
