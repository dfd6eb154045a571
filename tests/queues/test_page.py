"""docs/queues.md is true: its examples run, in an organization of their own."""

import doctest
import re
import sys
from collections.abc import Iterator

import pytest

from tests.servers import ROOT, Server, create_key
from tests.testing.examples import example_folder, run
from tests.testing.tester import new_tester

PAGE = ROOT / "docs" / "queues.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def headers(controlled: Server) -> Iterator[dict[str, str]]:
    """Return the headers of a key as the page has it."""
    tester = new_tester(controlled)
    yield create_key(controlled, tester.email, "read", "write", "admin", "act-as")
    controlled.request("DELETE", f"/__admin/organizations/{tester.id}", headers={})


def test_every_example_has_its_result(controlled: Server, headers: dict[str, str]) -> None:
    names = {
        "BASE_URL": controlled.base_url,
        "API_KEY": headers["X-Api-Key"],
        "SECRET_KEY": headers["X-Secret-Key"],
    }
    sessions = [text for language, text in BLOCKS if language == "pycon"]
    example = doctest.DocTestParser().get_doctest("\n".join(sessions), names, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)

    assert outcome.attempted > 50
    assert outcome.failed == 0, "".join(report)


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
