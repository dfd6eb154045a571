"""The server as in its container: unprivileged, on a read-only file system.

In place of Docker, namespaces: only /tmp, /dev/shm and /data are writable, and processes are numbered from 1. The
package is the installed wheel.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from tests.folders import temporary_folder
from tests.installed import Installed
from tests.postgres import Postgres
from tests.servers import EMBEDDED, ROOT, Server, environment, free_port, serving

WEB = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["web"]
NAMESPACE = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--mount-proc", "--ipc"]
NOBODY = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]


# $1 the folder of the installed package, $2 Python's folder, $3 its packages, $4 the options of /tmp, $5 the volume.
CONTAINER = """
set -e
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/app /mnt/python /mnt/packages /mnt/data
echo modelhub:x:10001:10001::/nonexistent:/bin/sh > /mnt/passwd
mount --bind /mnt/passwd /etc/passwd
mount --bind "$5" /mnt/data
mount --bind "$1" /mnt/app
mount --bind "$2" /mnt/python
mount --bind "$3" /mnt/packages
for folder in /mnt/app /mnt/python /mnt/packages /mnt /; do mount -o remount,bind,ro "$folder"; done
mount -t tmpfs -o "$4" tmpfs /tmp
mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
cd /
shift 5
exec "$@"
"""


def can_make_namespaces() -> bool:
    """As root on Linux, with the tools of util-linux."""
    tools = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("setpriv")
    return bool(tools) and subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_make_namespaces(), reason="needs root, unshare and setpriv")


@contextmanager
def container(installed: Installed, volume: Path, **env: str) -> Iterator[Server]:
    """Run the image's command with `env`, and stop it as `docker stop` does."""
    [tmp] = WEB["tmpfs"]
    [others] = {path for path in sys.path if path.endswith("site-packages")}
    python = f"/mnt/python/{Path(sys.executable).resolve().relative_to(Path(sys.base_prefix).resolve())}"
    env = environment(
        Path("/mnt/data"),
        PORT=str(free_port()),
        LD_LIBRARY_PATH="/mnt/python/lib",
        PYTHONPATH="/mnt/app:/mnt/packages",
        PYTHONDONTWRITEBYTECODE="1",
        HOME="/nonexistent",
        **env,
    )
    arguments = [str(installed.packages), sys.base_prefix, others, tmp.partition(":")[2], str(volume)]
    unprivileged = [*NOBODY, "--no-new-privs", python, "-m", "modelhub", "serve"]
    command = [*NAMESPACE, "sh", "-c", CONTAINER, "sh", *arguments, *unprivileged]
    with serving(command, env=env) as server:
        yield server
        if server.process.poll() is None:
            first_process(server).terminate()
            assert server.process.wait(60) == 0


@pytest.fixture
def volume() -> Iterator[Path]:
    """Make a new volume, with the owner of the image's folder."""
    with temporary_folder() as folder:
        os.chown(folder, 10001, 10001)
        yield folder


@pytest.fixture(scope="module")
def server(postgres: Postgres, installed: Installed) -> Iterator[Server]:
    """Start the server of `docker compose up`, with production settings."""
    production = {
        "MODELHUB_PRODUCTION": "true",
        "MODELHUB_SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        "MODELHUB_ALLOWED_HOSTS": "scores.example.com",
        "DATABASE_URL": postgres.make_database("read_only"),
    }
    with temporary_folder() as unused, container(installed, unused, **production) as server:
        yield server


def first_process(server: Server) -> psutil.Process:
    """Return the process that is number 1 in its container."""
    [first] = psutil.Process(server.process.pid).children()
    return first


def test_it_has_no_rights_and_can_write_nothing(server: Server) -> None:
    pid = first_process(server).pid
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    for path in ("/mnt/app/x", "/mnt/packages/x", "/var/x"):
        inside = ["nsenter", "--mount", f"--target={pid}", "touch", path]
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


def test_one_container_without_a_database_keeps_scores_in_its_volume(installed: Installed, volume: Path) -> None:
    source = {"source_type": "trace", "source_id": "kept"}
    with container(installed, volume, **EMBEDDED) as first:
        assert first.request("POST", "/model-hub/sources/", json=source).status_code == 201
    assert not (volume / "postgres" / "postmaster.pid").exists()
    assert {path.stat().st_uid for path in volume.rglob("*")} == {10001}

    with container(installed, volume, **EMBEDDED) as second:
        assert second.request("GET", "/model-hub/sources/?source_id=kept").json()["count"] == 1


def test_a_killed_container_leaves_a_volume_that_the_next_one_uses(installed: Installed, volume: Path) -> None:
    with container(installed, volume, **EMBEDDED) as first:
        first_process(first).kill()
        first.process.wait(60)
    with container(installed, volume, **EMBEDDED) as second:
        assert second.request("GET", "/model-hub/sources/").json()["count"] == 4


def test_two_containers_never_run_two_servers_on_one_volume(installed: Installed, volume: Path) -> None:
    """Each numbers its processes, and PostgreSQL's lock of shared memory ends at the container."""
    with container(installed, volume, **EMBEDDED) as first:
        with (
            pytest.raises(AssertionError, match="is in use by a server in another container"),
            container(installed, volume, **EMBEDDED),
        ):
            pass
        assert first.request("GET", "/model-hub/sources/").json()["count"] == 4
