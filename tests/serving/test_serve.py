"""`modelhub serve`, as `make run` calls it: real processes and sockets."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.clients import connect
from tests.servers import (
    API_KEY,
    EMBEDDED,
    SECRET_KEY,
    Server,
    data_folder,
    environment,
    free_port,
    manage,
    running_server,
)
from tests.terminals import type_into

FOUNDING_PYTHON = """
import requests

url = "{base_url}/model-hub/scores/bulk/"
headers = {{
    "X-Api-Key": "{api_key}",
    "X-Secret-Key": "{secret_key}",
    "Content-Type": "application/json",
}}

payload = {{
    "source_type": "trace",
    "source_id": "{trace}",
    "scores": [
        {{"label_id": "{star}", "value": {{"rating": 4}}, "score_source": "human"}},
        {{"label_id": "{categorical}", "value": {{"selected": ["positive"]}}, "score_source": "human"}},
    ],
    "notes": "Batch annotation",
}}

response = requests.post(url, json=payload, headers=headers)
data = response.json()

print(f"Created: {{len(data['scores'])}} scores")
if data["errors"]:
    print(f"Errors: {{data['errors']}}")
"""
FOUNDING_JAVASCRIPT = """
const response = await fetch("{base_url}/model-hub/scores/bulk/", {{
  method: "POST",
  headers: {{
    "X-Api-Key": "{api_key}",
    "X-Secret-Key": "{secret_key}",
    "Content-Type": "application/json",
  }},
  body: JSON.stringify({{
    sourceType: "trace",
    sourceId: "{trace}",
    scores: [
      {{ labelId: "{star}", value: {{ rating: 4 }}, scoreSource: "human" }},
      {{ labelId: "{categorical}", value: {{ selected: ["positive"] }}, scoreSource: "human" }},
    ],
    notes: "Batch annotation",
  }}),
}});

const data = await response.json();
console.log(`Created: ${{data.scores.length}} scores`);
if (data.errors.length) {{
  console.error("Errors:", data.errors);
}}
"""
FOUNDING_CURL = """
curl -X POST {base_url}/model-hub/scores/bulk/ \\
  -H "X-Api-Key: {api_key}" \\
  -H "X-Secret-Key: {secret_key}" \\
  -H "Content-Type: application/json" \\
  -d '{{
    "source_type": "trace",
    "source_id": "{trace}",
    "scores": [
      {{"label_id": "{star}", "value": {{"rating": 4}}, "score_source": "human"}},
      {{"label_id": "{categorical}", "value": {{"selected": ["positive"]}}, "score_source": "human"}}
    ],
    "notes": "Batch annotation"
  }}'
"""


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[Server]:
    with running_server(data_dir, **EMBEDDED) as server:
        yield server


@pytest.fixture(scope="module")
def known(server: Server) -> dict[str, str]:
    """Return the printed values of the first start, by their names in the examples."""
    text = "".join(server.output)
    rows = dict(re.findall(r"^    ([0-9a-f-]{36})  (\w+)", text, re.MULTILINE))
    ids = {name: id_ for id_, name in rows.items()}
    return ids | {"base_url": server.base_url, "api_key": API_KEY, "secret_key": SECRET_KEY}


def run(*command: str, text: str = "") -> str:
    result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def printed_example(server: Server, title: str) -> str:
    """Return one of the three examples that the first start printed."""
    match = re.search(rf"^--- {title}.*? ---\n(.*?)^--- ", "".join(server.output), re.MULTILINE | re.DOTALL)
    assert match
    return match[1]


class TestTheExamples:
    """The founding page's, with ids and keys filled in, and those of the first start."""

    def test_python(self, server: Server, known: dict[str, str]) -> None:
        assert run(sys.executable, "-", text=FOUNDING_PYTHON.format(**known)) == "Created: 2 scores\n"
        assert run(sys.executable, "-", text=printed_example(server, "Python")) == "Created: 2 scores\n"

    @pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
    def test_javascript(self, server: Server, known: dict[str, str]) -> None:
        node = ("node", "--input-type=module", "-")
        assert run(*node, text=FOUNDING_JAVASCRIPT.format(**known)) == "Created: 2 scores\n"
        assert run(*node, text=printed_example(server, "JavaScript")) == "Created: 2 scores\n"

    @pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
    def test_curl(self, server: Server, known: dict[str, str]) -> None:
        for script in (FOUNDING_CURL.format(**known), printed_example(server, "curl")):
            answer = run("sh", text=script)
            assert answer.count('"label_id"') == 2
            assert '"errors":[]' in answer

    @pytest.mark.parametrize(
        ("title", "command", "result"),
        [
            ("curl", ["sh", "-i"], '"errors":[]'),
            ("Python", [sys.executable, "-q"], "Created: 2 scores"),
            ("JavaScript", ["node"], "Created: 2 scores"),
        ],
    )
    def test_at_a_prompt(self, server: Server, title: str, command: list[str], result: str) -> None:
        """As the text says: pasted into the program."""
        if shutil.which(command[0]) is None or shutil.which("curl") is None:
            pytest.skip(f"needs {command[0]} and curl")
        example = printed_example(server, title)
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm", "NODE_REPL_HISTORY": ""}
        shown = type_into(command, example, until=result, env=env)
        assert result in shown, shown
        assert not re.search("Uncaught|SyntaxError|Traceback", shown), shown


def test_the_first_start_makes_one_of_everything(known: dict[str, str]) -> None:
    labels = {"star", "categorical", "text", "numeric", "thumbs_up_down"}
    assert labels | {"trace", "span", "generation", "session"} <= set(known)


def test_data_survives_a_restart_and_the_secret_is_shown_once(folder: Path) -> None:
    generated = EMBEDDED | {"MODELHUB_BOOTSTRAP_API_KEY": "", "MODELHUB_BOOTSTRAP_SECRET_KEY": ""}
    with running_server(folder, **generated) as first:
        text = "".join(first.output)
        api_key = re.search(r"API key +(\S+)", text)
        secret = re.search(r"Secret key +(\S+)", text)
        assert api_key
        assert secret
        headers = {"X-Api-Key": api_key[1], "X-Secret-Key": secret[1]}
        label = {"name": "Kept", "type": "star"}
        assert first.request("POST", "/model-hub/annotations-labels/", json=label, headers=headers).status_code == 200
        assert first.stop(signal.SIGTERM) == 0
    assert not (folder / "postgres" / "postmaster.pid").exists()

    with running_server(folder, **generated) as second:
        labels = second.request("GET", "/model-hub/annotations-labels/?search=kept", headers=headers).json()
        assert [label["name"] for label in labels["results"]] == ["Kept"]
        text = "".join(second.output)
        assert secret[1] not in text
        printed = re.search(r"for a new pair: (.*bin/python\S* \S*manage\.py create-api-key admin@example\.com)", text)
        assert printed
        pasted = subprocess.run(
            ["sh", "-c", printed[1]], env={}, cwd=Path.cwd(), capture_output=True, text=True, check=True
        )
        assert "acts as admin@example.com" in pasted.stdout
        second.signal_group(signal.SIGINT)
        assert second.process.wait(timeout=60) == 0
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_a_pair_that_contradicts_the_stored_one_stops_the_start(server: Server, data_dir: Path) -> None:
    env = environment(data_dir, MODELHUB_BOOTSTRAP_SECRET_KEY="another", PORT=str(free_port()), **EMBEDDED)
    result = manage("serve", env=env)

    assert_one_sentence(result, "exists with another secret than MODELHUB_BOOTSTRAP_SECRET_KEY")
    assert server.request("GET", "/healthz").status_code == 200


def test_few_connections_do_not_all_come_to_one_worker(server: Server) -> None:
    """Without the pause after each connection, one worker of two accepts all four in a quarter of the tries."""
    shared = [0, 0]
    while len(server.workers()) < 2:
        time.sleep(0.01)
    for _ in range(40):
        with ThreadPoolExecutor(4) as pool, ExitStack() as stack:
            clients = [stack.enter_context(client) for client in pool.map(lambda _: connect(server), range(4))]
            ports = {client.getsockname()[1] for client in clients}
            while sum(counts := accepted(server, ports)) < 4:
                time.sleep(0.01)
            shared[0 in counts] += 1
    assert shared[True] <= 4, shared


def accepted(server: Server, ports: set[int]) -> list[int]:
    """Return how many of the clients at these ports each worker has accepted."""
    connections = [worker.net_connections("tcp") for worker in server.workers()]
    return [sum(bool(one.raddr) and one.raddr.port in ports for one in of_worker) for of_worker in connections]


def test_a_limit_of_requests_does_not_limit_the_first_start(folder: Path) -> None:
    with running_server(folder, MODELHUB_MAX_SOURCES="1") as server:
        assert server.request("GET", "/model-hub/sources/").json()["count"] == 4


def test_port_0_is_a_free_one_that_the_start_prints(folder: Path) -> None:
    with data_folder() as other, running_server(folder, PORT="0") as first, running_server(other, PORT="0") as second:
        assert first.base_url != second.base_url
        for server in (first, second):
            assert not server.base_url.endswith(":0")
            assert {server.request("GET", "/healthz").status_code for _ in range(4)} == {200}
        assert f"curl -X POST {first.base_url}/model-hub/scores/bulk/" in "".join(first.output)


class TestWhatStopsAStart:
    """One clear sentence each, and an exit status that is not 0."""

    def test_a_port_in_use(self, folder: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = manage("serve", env=environment(folder, PORT=str(port)))

        assert_one_sentence(result, f"port {port} on 127.0.0.1 is in use")

    def test_a_data_folder_that_is_none(self, folder: Path) -> None:
        (folder / "file").write_text("not a folder")
        result = manage("serve", env=environment(folder / "file" / "data", PORT=str(free_port()), **EMBEDDED))

        assert_one_sentence(result, "MODELHUB_DATA_DIR")

    def test_a_data_folder_whose_name_has_two_lines(self, folder: Path) -> None:
        result = manage("serve", env=environment(folder / "two\nlines", PORT=str(free_port()), **EMBEDDED))

        assert_one_sentence(result, "MODELHUB_DATA_DIR must be one line of UTF-8", status=78)

    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("postgresql://u:hidden@127.0.0.1:1/x", "the database cannot be used (check DATABASE_URL): "),
            ("postgresql://u:hidden@no-such-host.invalid/x", "the database cannot be used (check DATABASE_URL): "),
        ],
    )
    def test_a_wrong_database_url(self, folder: Path, url: str, sentence: str) -> None:
        result = manage("serve", env=environment(folder, DATABASE_URL=url, PORT=str(free_port())))

        assert_one_sentence(result, sentence)
        assert "hidden" not in result.stderr

    def test_a_database_that_is_not_there(self, server: Server, folder: Path) -> None:
        url = server.database_url.replace("/modelhub?", "/nowhere?")
        result = manage("serve", env=environment(folder, DATABASE_URL=url, PORT=str(free_port())))

        assert_one_sentence(result, 'database "nowhere" does not exist')
        assert server.process.poll() is None

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("DATABASE_URL", "mysql://u:hidden@host/name", "DATABASE_URL must start with postgresql://"),
            ("DATABASE_URL", "postgresql://u:hidden@[::1", "DATABASE_URL cannot be read"),
            ("PORT", "http", "PORT must be a whole number from 0 to 65535"),
            ("MODELHUB_MAX_SCORES", "many", "MODELHUB_MAX_SCORES must be a whole number"),
            ("MODELHUB_LOG_LEVEL", "loud", "MODELHUB_LOG_LEVEL must be one of"),
            ("MODELHUB_BOOTSTRAP_SECRET_KEY", "", "are a pair"),
            ("MODELHUB_BOOTSTRAP_API_KEY", "a b'c", "MODELHUB_BOOTSTRAP_API_KEY must have at most 255 letters"),
            ("MODELHUB_BOOTSTRAP_SECRET_KEY", "é", "MODELHUB_BOOTSTRAP_SECRET_KEY must have at most 255 letters"),
            ("MODELHUB_PRODUCTION", "true", "MODELHUB_SECRET_KEY is not set"),
            ("MODELHUB_PRODUCTION", "yes", "MODELHUB_PRODUCTION must be true, false, 1 or 0"),
            ("MODELHUB_LOG_FORMAT", "xml", "MODELHUB_LOG_FORMAT must be one of auto, json, console"),
            ("MODELHUB_ALLOWED_HOSTS", "http://a.example", "MODELHUB_ALLOWED_HOSTS must hold host names like"),
            ("MODELHUB_ALLOWED_HOSTS", "my_web", "names with an underscore are refused by RFC 1034"),
            ("MODELHUB_CSRF_TRUSTED_ORIGINS", "a.example", "MODELHUB_CSRF_TRUSTED_ORIGINS must hold origins like"),
            ("HOST", "a\nb", "HOST must be one line of UTF-8 without control characters"),
            ("MODELHUB_BOOTSTRAP_ORGANIZATION", "\udcff", "MODELHUB_BOOTSTRAP_ORGANIZATION must be one line of UTF-8"),
            ("MODELHUB_DATA_DIR", "~nobody-here/x", "MODELHUB_DATA_DIR must be a path"),
        ],
    )
    def test_a_wrong_setting(self, folder: Path, name: str, value: str, sentence: str) -> None:
        """Its status is 78, after which systemd does not start the server again."""
        result = manage("serve", env=environment(folder, PORT=str(free_port())) | {name: value})

        assert_one_sentence(result, sentence, status=78)
        assert "hidden" not in result.stderr

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("HOST", "a host", "cannot listen on a host:"),
            ("MODELHUB_BOOTSTRAP_ORGANIZATION", "x" * 256, "MODELHUB_BOOTSTRAP_ORGANIZATION must be 1 to 255 visible"),
        ],
    )
    def test_a_setting_that_does_not_fit(self, folder: Path, name: str, value: str, sentence: str) -> None:
        result = manage("serve", env=environment(folder, PORT=str(free_port())) | {name: value})

        assert_one_sentence(result, sentence)


def assert_one_sentence(result: subprocess.CompletedProcess[str], part: str, *, status: int = 1) -> None:
    assert result.returncode == status
    assert part in result.stderr
    assert result.stderr.startswith("modelhub cannot start: ")
    assert len(result.stderr.strip().splitlines()) == 1
