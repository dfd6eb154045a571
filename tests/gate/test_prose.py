"""The prose of code and docs stays within its limits."""

from pathlib import Path

import pytest

from tests.gate import prose


@pytest.mark.parametrize(
    ("places", "limits"),
    [(prose.PLACES, prose.LIMITS), (("tests", "pytest-modelhub/tests"), prose.LIMITS | {prose.LONG: 100})],
    ids=["product", "tests"],
)
def test_docstrings_and_comments_stay_within_the_limits(places: tuple[str, ...], limits: dict[str, float]) -> None:
    files = [path for place in places for path in (prose.ROOT / place).rglob("*.py")]

    assert files
    excess = prose.measure(files).excess(limits)
    assert not excess, "\n".join(excess)


def test_pages_stay_within_the_limits() -> None:
    pages = [*prose.ROOT.glob("*.md"), *(prose.ROOT / "docs").glob("*.md"), *prose.ROOT.glob("pytest-*/*.md")]

    assert len(pages) > 10
    excess = prose.measure(pages).excess()
    assert not excess, "\n".join(excess)


def test_prose_is_docstrings_and_comments_but_no_other_strings(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""What a module does, to whom."""\n\n'
        'NAME = "who knows what"  # noqa: X1 - what for\n\n\n'
        "def work() -> None:\n"
        '    """Work."""\n'
        "    # Nobody reads this.\n"
        "\n"
        f'    def inner() -> None:\n        """{"Work. " * 14}"""\n'
    )
    found = prose.measure([tmp_path])

    assert (found.lines, found.words, found.docstrings) == (7, 28, 3)
    assert found.people == [f"  {module}:1 What a module does, to whom.", f"  {module}:8 # Nobody reads this."]
    assert found.what == [f"  {module}:1 What a module does, to whom.", f"  {module}:3 # noqa: X1 - what for"]
    assert found.questions == [f"  {module}:1 What a module does, to whom."]
    assert found.long == [f"  {module}:11 {'Work. ' * 14}".rstrip()]
    assert found.suppressions == [f"  {module}:3 # noqa: X1 - what for"]


@pytest.mark.parametrize(
    ("comment", "excess"),
    [
        ("# " + "word " * 1000 + "who", []),
        ("# " + "word " * 500 + "who", ["who, nobody and the like per 1,000 words: 2.0, at most 1"]),
        ("# " + "word " * 300 + "what", ["what per 1,000 words: 3.3, at most 2"]),
        ("# " + "word " * 600 + "what", []),
    ],
)
def test_a_rate_above_its_limit_is_named_with_its_places(tmp_path: Path, comment: str, excess: list[str]) -> None:
    (tmp_path / "module.py").write_text(comment)
    found = prose.measure([tmp_path]).excess()

    assert found[:1] == excess
    assert all("module.py:1 # word" in line for line in found[1:])
