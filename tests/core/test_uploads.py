"""One page takes files, no other route does, and none leaves one on a disk or in memory."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.folders import temporary_folder
from tests.servers import Server, data_folder, running_server
from tests.waiting import wait_for

BULK = "/model-hub/scores/bulk/"
# With any token, the form is read.
COOKIE = {"csrftoken": "x" * 32}
ROUNDS, MOST_MEGABYTES = 5, 30


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(files: Path) -> Iterator[Server]:
    settings = {"TMPDIR": str(files), "MODELHUB_WORKERS": "1", "MODELHUB_BOOTSTRAP_PASSWORD": "a good password"}
    with data_folder() as folder, running_server(folder, **settings) as server:
        yield server


def open_files(worker: psutil.Process) -> list[str]:
    """Return the files below the folder for temporary files, deleted ones included."""
    folder = Path(f"/proc/{worker.pid}/fd")
    targets = []
    for descriptor in folder.iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            targets.append(str(descriptor.readlink()))
    return [target for target in targets if "(deleted)" in target and "wgunicorn" not in target]


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        (BULK, 7_000_000, 415),
        (BULK, 50_000_000, 413),
        ("/model-hub/nothing/", 7_000_000, 404),
        ("/schema/", 7_000_000, 405),
        ("/admin/login/", 7_000_000, 400),
        ("/admin/login/", 100, 400),
        ("/admin/modelhub/label/add/", 7_000_000, 400),
        ("/admin/login/", 50_000_000, 413),
    ],
)
def test_a_file_is_refused_and_leaves_nothing(server: Server, files: Path, path: str, size: int, status: int) -> None:
    [worker] = server.workers()
    server.request("GET", "/model-hub/sources/")
    before = worker.memory_info().rss
    for _ in range(ROUNDS):
        form = {"files": {"file": ("evil.html", b"x" * size)}, "data": {"username": "admin@example.com"}}
        answer = server.request("POST", path, cookies=COOKIE, **form)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    # waitress closes them behind the answer.
    wait_for(lambda: not list(files.iterdir()) and not open_files(worker))
    assert worker.memory_info().rss - before < MOST_MEGABYTES * 2**20


def test_a_form_without_a_file_is_read(server: Server) -> None:
    """The answer is about its missing token."""
    answer = server.request("POST", "/admin/login/", files={"username": (None, "admin@example.com")})
    assert answer.status_code == 403


def log_in(server: Server) -> requests.Session:
    """Return a session of the server's admin, with the token of its forms."""
    session = requests.Session()
    session.headers["Referer"] = server.base_url
    session.get(f"{server.base_url}/login/")
    form = {"username": "admin@example.com", "password": "a good password"}
    token = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    assert session.post(f"{server.base_url}/login/", data=form | token, allow_redirects=False).status_code == 302
    return session


@pytest.mark.parametrize(("size", "status"), [(7_000_000, 400), (9_000_000, 413)])
def test_a_file_of_items_is_read_in_memory_and_leaves_nothing(
    server: Server, files: Path, size: int, status: int
) -> None:
    """The one page with files: a line of this size is none of a source."""
    queue = server.request("POST", "/model-hub/annotation-queues/", json={"name": f"Files of {size}"}).json()
    session = log_in(server)
    [worker] = server.workers()
    path = f"{server.base_url}/queues/{queue['id']}/add/"
    session.get(path)
    before = worker.memory_info().rss
    for _ in range(ROUNDS):
        form = {"action": "file", "source_type": "trace", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post(path, data=form, files={"file": ("../evil.html", b"name\n" + b"x" * size)})
        assert answer.status_code == status
    wait_for(lambda: not list(files.iterdir()) and not open_files(worker))
    assert worker.memory_info().rss - before < MOST_MEGABYTES * 2**20


def test_a_file_for_a_page_without_files_is_refused(server: Server, files: Path) -> None:
    session = log_in(server)
    [worker] = server.workers()
    form = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(f"{server.base_url}/queues/new/", data=form, files={"file": ("a.csv", b"x" * 7_000_000)})
    assert answer.status_code == 400
    wait_for(lambda: not list(files.iterdir()) and not open_files(worker))
