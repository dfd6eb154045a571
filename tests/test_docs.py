"""The documentation is true: examples are run, links lead somewhere, names exist."""

import ast
import doctest
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

import modelhub
from modelhub.core.envelope import IGNORED
from modelhub.core.filters import StrictFilterSet
from modelhub.core.transactions import ATTEMPTS
from modelhub.idempotency.services import KEPT_FOR
from modelhub.labels.cache import MAX_PER_ORGANIZATION
from modelhub.labels.filters import LabelFilter
from modelhub.management.commands.import_scores import LINES_PER_TRANSACTION
from modelhub.management.program import Program
from modelhub.scores.filters import FILTERS, ScoreFilter
from modelhub.serving.channels import MAX_HEAD_BYTES, REFUSALS, SLOWEST_BYTES_PER_SECOND
from modelhub.serving.worker import MAX_CONNECTIONS
from modelhub.sources.filters import SourceFilter
from modelhub.testing.faults import MAX_RULES
from modelhub.testing.records import MAX_BODY_BYTES, MAX_RECORDS
from tests.servers import API_KEY, ROOT, SECRET_KEY, Server

FOLDERS = "modelhub|config|tests|benchmarks|pytest-modelhub"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def test_every_example_of_the_api_page_has_its_result(live: Server) -> None:
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
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
        if "://" not in target:
            other = page.parent / target if target else page
            assert other.exists(), target
            headings = re.findall(r"^#+ (.*)$", other.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_commands_that_are_named_exist() -> None:
    names = r"(?:manage\.py|(?:`|^ +(?:[\w./=<>-]+ )*?)(?:\.venv/bin/)?modelhub) ([a-z][\w-]+)"
    named = {name for page in PAGES for name in re.findall(names, page.read_text(), re.MULTILINE)}
    assert {"serve", "create-api-key", "makemigrations"} <= named
    for name in named:
        Program(["modelhub", name]).fetch_command(name)


def test_make_verbs_that_are_named_exist() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:`|    )make ([a-z-]+)", page.read_text())}
    assert {"run", "test", "bench"} <= named <= verbs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_are_named_exist(page: Path) -> None:
    for path, name in re.findall(rf"`((?:{FOLDERS})/[\w./*-]*)(?:::([\w.]+))?`", page.read_text()):
        assert list(ROOT.glob(path.rstrip("/"))), path
        assert not name or name in names_of(ROOT / path), f"{path}::{name}"


# On the page for testers, `modelhub` is a fixture: tests/testing/test_page.py.
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "testing.md"], ids=lambda page: page.name)
def test_dotted_names_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`((?:modelhub|config)(?:\.\w+)+)`", page.read_text()):
        if not name.endswith((".dump", ".md", ".py")):
            pkgutil.resolve_name(name)


def names_of(path: Path) -> set[str]:
    """Functions, classes, methods (`Class.method`) and constants of a module."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_defaults_of_the_settings_page_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", page, re.MULTILINE))
    source = "".join(path.read_text() for path in sorted((ROOT / "config").glob("*.py")))
    defaults = re.findall(r'env\.\w+\("([A-Z_]+)", (?:default=)?("[^"]+"|False|[\d_* ]+)[,)]', source)
    assert len(defaults) > 20
    for name, default in defaults:
        assert documented.get(name) == str(eval(default)).replace("False", "false"), name


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("api.md", f"OVERLAP = timedelta(seconds={3 * settings.SERVE_TIMEOUT + 60})"),
        ("architecture.md", f"| export thread | {settings.SERVE_EXPORT_THREADS} per worker |"),
        ("architecture.md", f"more than {MAX_PER_ORGANIZATION:,} labels"),
        ("architecture.md", f"an import per {LINES_PER_TRANSACTION} lines"),
        ("architecture.md", f"up to {({4: 'four'})[ATTEMPTS]} times in all"),
        ("contract.md", f"Exceptions: {' and '.join(f'`{name}`' for name in IGNORED)}, which"),
        ("contract.md", f"kept for {KEPT_FOR.total_seconds() / 3600:.0f} hours"),
        ("operations.md", f"| connections per worker | {MAX_CONNECTIONS:,} |"),
        ("operations.md", f"| head of a request | {MAX_HEAD_BYTES // 1024} KB |"),
        ("operations.md", f"plus one second per {SLOWEST_BYTES_PER_SECOND // 1024} KiB"),
        ("scaling.md", f"(threads + {settings.SERVE_EXPORT_THREADS + settings.SERVE_LARGE_THREADS})"),
        ("testing.md", f"| faults per organization | {MAX_RULES:,} |"),
        ("testing.md", f"| the newest {MAX_RECORDS}, with {MAX_BODY_BYTES // 1024} KB of each body |"),
        ("testing.md", f"| `MODELHUB_MAX_SCORES` ({settings.MAX_SCORES:,}) |"),
    ],
)
def test_numbers_of_the_pages_are_those_of_the_code(page: str, words: str) -> None:
    assert words in (ROOT / "docs" / page).read_text()


def test_the_keys_of_annotators_are_those_of_the_help() -> None:
    shown = (ROOT / "modelhub" / "templates" / "web" / "annotate_help.html").read_text()
    rows = re.findall(r'<th scope="row">(.+)</th><td>(.+)</td>', re.sub("</?kbd>", "`", shown))
    table = "\n".join(f"| {keys} | {effect[0].lower()}{effect[1:]} |" for keys, effect in rows)
    assert f"| key | effect |\n|---|---|\n{table}\n\n" in (ROOT / "docs" / "pages.md").read_text()


def test_every_filter_of_scores_is_on_the_api_page() -> None:
    table = (ROOT / "docs" / "api.md").read_text().split("| filter | scores |\n")[1].split("\n\n")[0]
    assert {*FILTERS} <= set(re.findall(r"`(\w+)`", table))


def test_sections_of_the_contract_that_code_names_exist() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    sections = set(re.findall(r"^#+ (\d(?:\.\d+)?) ", page, re.MULTILINE))
    files = [path for place in ("modelhub", "config") for path in (ROOT / place).rglob("*.py")]
    text = "".join(path.read_text() for path in files)
    named = {
        number
        for several in re.findall(r"contract ([\d.]+(?: and [\d.]+)*)", text)
        for number in several.split(" and ")
    }
    named = {number.rstrip(".") for number in named}
    assert len(named) > 10
    assert named <= sections, named - sections


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").iterdir() if page.is_file()} - {"README.md"}
    assert pages == set(re.findall(r"\]\((\w+\.\w+)\)", index))


def test_every_claim_of_the_security_page_names_a_test_that_exists() -> None:
    table = (ROOT / "SECURITY.md").read_text().split("| claim | test |\n|---|---|\n")[1]
    claims = table.rstrip().splitlines()
    assert len(claims) > 20
    for claim in claims:
        named = re.search(r"`(tests/[a-z_/]+\.py)::(\w+)` \|$", claim)
        assert named, claim
        assert named[2].lower().startswith("test"), claim
        assert named[2] in names_of(ROOT / named[1]), claim


# Codes of exceptions of DRF that can reach a client (`default_code`).
OF_DRF = {"method_not_allowed", "unsupported_media_type", "not_found"}
# Codes of errors that are written into lists of sentences only, and of classes that are raised with other codes.
NEVER_SENT = {"duplicate_source", "refused", "conflict"}


def test_the_page_of_errors_has_all_codes_and_no_others() -> None:
    documented = set()
    for row in re.findall(r"^\|.*\|$", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        documented |= set(re.findall(r"`([a-z_]+)`", cells[0] if len(cells) == 2 else cells[-1]))
    raised = OF_DRF | {code for code, _ in REFUSALS.values()}
    for path in (ROOT / "modelhub").rglob("*.py"):
        raised |= codes_of(ast.parse(path.read_text()))
    assert len(raised) > 40
    assert documented == raised - NEVER_SENT


def codes_of(tree: ast.AST) -> set[str]:
    """Return the codes that a module passes on or declares in classes."""
    codes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            codes |= texts_of(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "reject_unknown":
            kinds = {kind for keyword in node.keywords if keyword.arg == "kind" for kind in texts_of(keyword.value)}
            codes |= {f"unknown_{kind.replace(' ', '_')}" for kind in kinds}
        elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["code"]:
            codes |= texts_of(node.value)
    return codes


def texts_of(node: ast.AST) -> set[str]:
    """Return the strings that an expression may be; the one f-string of a code names the two required fields."""
    if isinstance(node, ast.Constant):
        return {node.value} if node.value and isinstance(node.value, str) else set()
    if isinstance(node, ast.IfExp):
        return texts_of(node.body) | texts_of(node.orelse)
    if isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith("f'missing_"):
        return {"missing_label_id", "missing_value"}
    return set()


def test_the_changelog_has_the_version_and_its_news() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", modelhub.__version__]


def test_the_license_is_the_one_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("filters", [ScoreFilter, SourceFilter, LabelFilter])
def test_every_filter_of_a_list_is_on_a_page(filters: type[StrictFilterSet]) -> None:
    pages = "".join((ROOT / "docs" / name).read_text() for name in ("api.md", "contract.md"))
    assert "`GET /model-hub/sources/`" in pages
    assert [name for name in filters.base_filters if f"`{name}`" not in pages] == []


def test_a_container_is_given_the_time_of_a_stop() -> None:
    starts = re.findall(r"docker run .*--publish.*", "".join(page.read_text() for page in PAGES))
    assert len(starts) > 1
    assert [start for start in starts if "--stop-timeout 40" not in start] == []
