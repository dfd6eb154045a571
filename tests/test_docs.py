"""The documentation is true: examples are run, links lead somewhere, commands exist."""

import ast
import doctest
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.servers import API_KEY, ROOT, SECRET_KEY, Server

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_example_of_the_api_page_does_what_it_says(live: Server) -> None:
    names = {"BASE_URL": live.base_url, "API_KEY": API_KEY, "SECRET_KEY": SECRET_KEY}
    # Scores of other tests would be on the pages that the examples read.
    live.request("POST", "/model-hub/scores/bulk-delete/", json={"filter": {"created_after": "2000-01-01T00:00:00Z"}})
    page = ROOT / "docs" / "api.md"
    blocks = re.findall(r"```pycon\n(.*?)```", page.read_text(), re.DOTALL)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), names, page.name, str(page), 0)
    report: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)

    assert outcome.attempted > 25
    assert outcome.failed == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_commands_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"manage\.py (\w+)", page.read_text())}
    assert named
    assert named <= set(get_commands())


def test_make_verbs_that_are_named_exist() -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:`|    )make ([a-z]+)", page.read_text())}
    assert {"run", "test", "bench"} <= named <= verbs


def test_every_test_that_is_named_exists() -> None:
    table = (ROOT / "SECURITY.md").read_text().split("| claim | test |\n|---|---|\n")[1]
    claims = table.rstrip().splitlines()
    assert len(claims) > 20
    for claim in claims:
        named = re.search(r"`(tests/[a-z_/]+\.py)::(\w+)` \|$", claim)
        assert named, claim
        names = {
            node.name
            for node in ast.parse((ROOT / named[1]).read_text()).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test")
        }
        assert named[2] in names, claim


def test_every_code_of_an_entry_is_documented() -> None:
    scores, types = ROOT / "modelhub" / "scores", ROOT / "modelhub" / "labels" / "types"
    files = [scores / "entries.py", scores / "recording.py", *types.glob("*.py")]
    codes = set(re.findall(r'code="(\w+)"', "".join(file.read_text() for file in files)))
    codes |= {"conflicting_fields", "unstorable_value"}
    assert {"invalid_label_id", "label_not_found", "invalid_value"} <= codes
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "errors.md").read_text()))
    assert codes - {"too_many_scores"} <= documented
