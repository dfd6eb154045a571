"""The requests of the TypeScript client, by Node: its timeout, its three tries, its bodies and headers."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers import Server
from tests.testing.tester import Tester, new_tester

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")

SCRIPT = Path(__file__).with_name("typescript_client.mjs")


def run_client(tester: Tester, **more: str) -> dict[str, int]:
    """Run the calls of the client in an organization. Return its numbers of requests, timeouts and lost answers."""
    word = uuid4().hex
    sources = [{"source_type": "trace", "source_id": f"{word}-{number}"} for number in range(20)]
    sources.append({"source_type": "span", "source_id": f"{word}-span"})
    assert tester.request("POST", "/model-hub/sources/bulk/", json={"sources": sources}).json()["errors"] == []
    person = tester.request("POST", "/model-hub/users/", json={"email": f"{word}@example.com"}).json()["id"]
    own = {"BASE_URL": tester.server.base_url, "API_KEY": tester.api_key, "SECRET_KEY": tester.secret_key}
    env = {"PATH": os.environ["PATH"], "WORD": word, "PERSON": person} | own | more
    result = subprocess.run(["node", SCRIPT], env=env, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    statistics: dict[str, int] = json.loads(result.stdout)
    return statistics


def test_every_method_of_the_client_works(controlled: Server) -> None:
    tester = new_tester(controlled)
    run_client(tester)
    posts = tester.requests("&limit=100")
    sent = [request for request in posts if request["path"].endswith(("/complete/", "/skip/"))]
    assert len(sent) >= 5
    assert {request["request_body"] for request in sent} == {None}


def test_every_write_whose_first_answer_is_lost_is_stored_once(controlled: Server) -> None:
    tester = new_tester(controlled)
    statistics = run_client(tester, ORGANIZATION=tester.id)
    assert statistics["lost"] + statistics["timeouts"] >= 30
