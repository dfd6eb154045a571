"""`/docs/` in a real browser, if Chromium is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT, Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def rendered(live: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the page after its scripts ran, and the messages of the browser."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
        *("--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", f"{live.base_url}/docs/"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return result.stdout, result.stderr


def test_it_shows_the_bulk_request_first_and_health_last(rendered: tuple[str, str]) -> None:
    operations = re.findall(r'id="operations-(?!tag-)(\w+)-(\w+)"', rendered[0])
    assert operations[0] == ("scores", "create_scores")
    assert [tag for tag, _ in operations[-2:]] == ["health", "health"]
    assert len(operations) == 27


def test_it_says_how_to_get_a_key(rendered: tuple[str, str]) -> None:
    text = re.sub(r"<[^>]+>", "", rendered[0])
    assert "The first start of the server prints one." in text
    assert "manage.py create_api_key" in text


def test_its_schemas_are_folded(rendered: tuple[str, str]) -> None:
    assert re.search(r'<section class="models">.*?aria-expanded="false"', rendered[0], re.DOTALL)


def test_the_browser_reports_nothing(rendered: tuple[str, str]) -> None:
    """A violation of the Content-Security-Policy would be reported."""
    assert [line for line in rendered[1].splitlines() if "CONSOLE" in line] == []


def test_it_keeps_no_secrets() -> None:
    script = (ROOT / "modelhub" / "static" / "modelhub" / "docs.js").read_text()
    assert "persistAuthorization: false" in script
    assert 'localStorage.removeItem("authorized")' in script


def test_it_loads_nothing_from_other_hosts(live: Server) -> None:
    page = live.request("GET", "/docs/").text
    files = [Path(name).name for name in re.findall(r'(?:src|href)="([^"]+)"', page)]
    assert {"swagger-ui.css", "swagger-ui-bundle.js", "docs.css", "docs.js", "favicon.svg"} <= set(files)
    assert "//" not in page
