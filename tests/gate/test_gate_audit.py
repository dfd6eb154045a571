"""The audit fails on a known vulnerability, and reports when it could not look."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.servers import ROOT, free_port

# The only advisory of the test service, in the OSV schema.
ADVISORY = {
    "id": "PYSEC-0000-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "an example",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "django"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.0.2"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """An advisory service: only django before 5.0.2 is vulnerable."""

    answers_left: int

    def do_POST(self) -> None:
        if not type(self).answers_left:
            self.send_error(503)
            return
        type(self).answers_left -= 1
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        bad = (question["package"]["name"], question["version"]) == ("django", "5.0.1")
        body = json.dumps({"vulns": [ADVISORY]} if bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def advisory_service(answers: int = 1000) -> Iterator[str]:
    """Serve on a free port, and fail after so many answers."""
    server = HTTPServer(("127.0.0.1", 0), type("Some", (Advisories,), {"answers_left": answers}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audit(folder: Path, *pins: str, options: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """Run the audit of a file with these pins."""
    path = folder / "pins.txt"
    path.write_text("\n".join(pins))
    command = [sys.executable, "-m", "tests.gate.audit", *options, str(path)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("version", "status", "told"),
    [
        ("5.0.1", 1, "django 5.0.1: PYSEC-0000-1, fixed in 5.0.2\naudited 2 of 2 pins with osv: 1 known"),
        ("5.0.2", 0, "audited 2 of 2 pins with osv: 0 known vulnerabilities"),
    ],
)
def test_a_known_vulnerability_fails_the_gate(tmp_path: Path, version: str, status: int, told: str) -> None:
    with advisory_service() as url:
        done = audit(tmp_path, "asgiref==3.13.0", f"django=={version}", AUDIT_OSV_URL=url)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith(told)


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--release",), 1)], ids=["build", "release"])
def test_without_a_network_nothing_is_audited_and_a_release_fails(
    tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    env = {"AUDIT_OSV_URL": nowhere, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
    done = audit(tmp_path, "django==5.0.1", options=options, **env)
    assert done.returncode == status
    assert "osv does not answer; pip-audit: " in done.stdout
    assert done.stdout.endswith("NOT AUDITED: no advisory service (osv or pypi) answers; 1 pins were not looked up\n")


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--release",), 1)], ids=["build", "release"])
def test_a_service_that_answers_for_the_first_pin_only_has_audited_nothing(
    tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    with advisory_service(answers=1) as url:
        more = {"AUDIT_OSV_URL": url, "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"}
        done = audit(tmp_path, "asgiref==3.13.0", "django==5.0.1", options=options, **more)
    assert done.returncode == status
    assert "NOT AUDITED" in done.stdout
