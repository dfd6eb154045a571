"""The server as in its container: unprivileged, on a read-only file system.

In place of Docker, a mount namespace: only /tmp and /dev/shm are writable. The folder /app has the files that the
Dockerfile copies, without the tests and without an embedded PostgreSQL.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.postgres import Postgres
from tests.servers import ROOT, Server, environment, free_port, serving

WEB = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["web"]
NAMESPACE = ["unshare", "--mount", "--propagation=private"]
NOBODY = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]


# $1 the clone, $2 the files that the Dockerfile copies, $3 Python's folder, $4 its packages, $5 the options of /tmp.
CONTAINER = """
set -e
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/app /mnt/python /mnt/packages
(cd "$1" && cp -r $2 /mnt/app)
mount --bind "$3" /mnt/python
mount --bind "$4" /mnt/packages
for folder in /mnt/python /mnt/packages /mnt /; do mount -o remount,bind,ro "$folder"; done
mount -t tmpfs -o "$5" tmpfs /tmp
mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
cd /mnt/app
shift 5
exec "$@"
"""


def can_make_namespaces() -> bool:
    """As root on Linux, with the tools of util-linux."""
    tools = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("setpriv")
    return bool(tools) and subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_make_namespaces(), reason="needs root, unshare and setpriv")


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[Server]:
    """Start the server of `docker compose up`, with production settings."""
    dockerfile = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE))
    [tmp] = WEB["tmpfs"]
    [packages] = {path for path in sys.path if path.endswith("site-packages")}
    python = f"/mnt/python/{Path(sys.executable).resolve().relative_to(Path(sys.base_prefix).resolve())}"
    env = environment(
        Path("/nowhere"),
        PORT=str(free_port()),
        LD_LIBRARY_PATH="/mnt/python/lib",
        PYTHONPATH="/mnt/packages",
        PYTHONDONTWRITEBYTECODE="1",
        MODELHUB_PRODUCTION="true",
        MODELHUB_SECRET_KEY="k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        MODELHUB_ALLOWED_HOSTS="scores.example.com",
        DATABASE_URL=postgres.make_database("read_only"),
    )
    container = [*NAMESPACE, "sh", "-c", CONTAINER, "sh", str(ROOT), copied, sys.base_prefix, packages]
    command = [*container, tmp.partition(":")[2], *NOBODY, "--no-new-privs", python, "manage.py", "serve"]
    with serving(command, env=env) as server:
        yield server


def test_it_has_no_rights_and_can_write_nothing(server: Server) -> None:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    for path in ("/mnt/app/x", "/mnt/packages/x", "/var/x"):
        inside = ["nsenter", "--mount", f"--target={server.process.pid}", "touch", path]
        touched = subprocess.run(inside, capture_output=True, text=True, check=False)
        assert "Read-only file system" in touched.stderr


def test_it_serves_everything(server: Server) -> None:
    headers = server.headers | {"Host": "scores.example.com"}
    source = server.request("GET", "/model-hub/sources/", headers=headers).json()["results"][0]
    label = server.request("GET", "/model-hub/annotations-labels/?type=star", headers=headers).json()["results"][0]
    body = {name: source[name] for name in ("source_type", "source_id")}
    body["scores"] = [{"label_id": label["id"], "value": 4}]
    answer = server.request("POST", "/model-hub/scores/bulk/", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"]) == (201, [])
    for path in ("/docs/", "/schema/", "/admin/login/", "/static/admin/css/base.css", "/readyz"):
        assert server.request("GET", path, headers=headers).status_code == 200
    assert [line for line in server.log if '"level": "error"' in line or "Traceback" in line] == []


def test_the_health_check_of_the_image_finds_it_healthy(server: Server) -> None:
    """Whatever host names are allowed: it asks 127.0.0.1."""
    check = re.search(r"^HEALTHCHECK .*\\\n    CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert check
    # In Docker's own form, a JSON list.
    command = json.loads(check[1])
    port = server.base_url.rpartition(":")[2]
    assert command[0] == "python"
    for asked, status in ((port, 0), (str(free_port()), 1)):
        env = {"PORT": asked, "PATH": os.environ["PATH"]}
        done = subprocess.run([sys.executable, *command[1:]], env=env, capture_output=True, check=False)
        assert done.returncode == status
