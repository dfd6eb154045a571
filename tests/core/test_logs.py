"""The log of a running server: JSON lines without secrets or values of clients."""

import json
import os
import pty
import re
import shlex
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers import ROOT, SECRET_KEY, Server, environment, free_port, manage, running_server, serving

PRIVATE = "words-of-a-client"


def test_every_line_is_json_and_reveals_nothing(live: Server) -> None:
    body = {"source_type": "trace", "source_id": PRIVATE, "scores": [{"value": PRIVATE}], "notes": PRIVATE}
    headers = live.headers | {"X-Request-Id": "asked-by-the-test"}
    assert live.request("POST", f"/model-hub/scores/bulk/?dry_run={PRIVATE}", json=body).status_code == 400
    assert live.request("POST", "/model-hub/scores/bulk/?dry_run=true", json=body, headers=headers).status_code == 404
    assert live.request("GET", f"/model-hub/sources/?search={PRIVATE}").status_code == 200
    assert (
        live.request("GET", "/model-hub/sources/", headers={"X-Api-Key": PRIVATE, "X-Secret-Key": PRIVATE}).status_code
        == 401
    )
    with socket.create_connection(("127.0.0.1", int(live.base_url.rsplit(":", 1)[1]))) as client:
        client.sendall(f"{PRIVATE}\r\n\r\n".encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert live.logged('"reason"')

    for line in live.log:
        assert {"event", "level", "timestamp"} <= set(json.loads(line))
        assert PRIVATE not in line
        assert SECRET_KEY not in line
    [logged] = [json.loads(line) for line in live.logged("asked-by-the-test")]
    assert logged["event"] == "request"
    assert (logged["method"], logged["route"], logged["status"]) == ("POST", "scores-bulk", 404)
    assert logged["ms"] > 0
    assert logged["key"]
    assert logged["organization"]


def test_a_refused_request_is_no_error_of_the_server(live: Server) -> None:
    fields = dict.fromkeys(map(str, range(5001)), "")
    # With any token, the form is read.
    form = {"data": fields, "cookies": {"csrftoken": "x" * 32}}
    refused = live.request("POST", "/admin/login/", headers={"X-Request-Id": "too-many-fields"}, **form)
    assert refused.status_code == 400
    assert [json.loads(line)["level"] for line in live.logged("too-many-fields")] == ["info"]


def test_short_lines_in_colour_on_a_terminal_only(folder: Path) -> None:
    env = environment(folder, MODELHUB_ELEPHANTS="1")
    shown = {}
    for name, more in (("terminal", {}), ("plain", {"NO_COLOR": "1"}), ("json", {"MODELHUB_LOG_FORMAT": "json"})):
        ours, theirs = pty.openpty()
        command = [sys.executable, str(ROOT / "manage.py"), "check"]
        subprocess.run(command, env=env | more, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
        os.close(theirs)
        shown[name] = os.read(ours, 65536).decode()
        os.close(ours)
    assert "\x1b[" in shown["terminal"]
    assert re.match(r"\d\d:\d\d:\d\d \[warning\] unknown_setting name=MODELHUB_ELEPHANTS", shown["plain"])
    assert "\x1b" not in shown["plain"]
    assert json.loads(shown["json"].splitlines()[0])["event"] == "unknown_setting"
    assert json.loads(manage("check", env=env).stderr.splitlines()[0])["event"] == "unknown_setting"


def test_short_lines_cannot_be_forged(folder: Path) -> None:
    with running_server(folder, MODELHUB_LOG_FORMAT="console") as server:
        before = len(server.log)
        forged = "%0a12:00:00 [info] GET /forged/ 200 1 ms%1b[2J%e2%80%ae"
        assert server.request("GET", f"/{forged}/").status_code == 404
        assert server.request("POST", "/model-hub/scores/bulk/", data=b"{").status_code == 400
        assert server.logged("POST /model-hub/scores/bulk/ 400")
        lines = server.log[before:]
    assert all(re.match(r"\d\d:\d\d:\d\d \[\w+\] (GET|POST) /\S.* \d+ ms$", line) for line in lines), lines
    assert len(lines) == 2
    assert r"\n12:00:00" in lines[0]
    assert r"\x1b[2J\u202e" in lines[0]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_line_has_the_token_of_a_one_time_link(folder: Path, style: str) -> None:
    """Django's line about a form without a token has the path, too."""
    with running_server(folder, MODELHUB_LOG_FORMAT=style) as server:
        for method in ("GET", "POST"):
            for path in ("/invitation/a-secret/", "/invitation/a-secret"):
                server.request(method, path, headers={"Accept": "text/html"})
        assert server.logged("CSRF cookie not set")
        assert server.logged("/invitation/")
        assert "a-secret" not in "".join(server.log)


def test_a_head_request_causes_no_warning(live: Server) -> None:
    """Load balancers probe with HEAD."""
    before = len(live.log)
    answer = live.request("HEAD", "/model-hub/sources/", headers=live.headers | {"X-Request-Id": "only-the-head"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0
    assert live.logged("only-the-head")
    assert not any("no-body" in line for line in live.log[before:])


def test_a_log_on_a_full_disk_fails_no_request(folder: Path) -> None:
    command = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'manage.py'))} serve 2> /dev/full"
    with serving(["sh", "-c", command], env=environment(folder, PORT=str(free_port()))) as server:
        body = {"source_type": "trace", "source_id": "nowhere", "scores": [{}]}
        answers = [server.request("POST", "/model-hub/scores/bulk/", json=body, headers=server.headers) for _ in "12"]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_requests_that_wait_for_a_thread_cause_no_warning(live: Server) -> None:
    path = "/model-hub/scores/?limit=1000"
    with ThreadPoolExecutor(40) as clients:
        statuses = list(clients.map(lambda _: live.request("GET", path).status_code, range(80)))
    assert set(statuses) == {200}
    assert live.request("GET", path, headers=live.headers | {"X-Request-Id": "the-last-one"}).status_code == 200
    assert live.logged("the-last-one")
    assert not [line for line in live.log if "Task queue depth" in line]
