"""Browsers: CORS for other origins, security headers, and the resources of pages."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.servers import Server, data_folder, running_server

BULK = "/model-hub/scores/bulk/"
PAGES = "https://pages.example.com"
PAGE_PATHS = ("/docs/", "/admin/login/")
DATA_PATHS = ("/model-hub/sources/", "/model-hub/nothing/", "/healthz", "/readyz", "/schema/", "/tracer/project/")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    more = {
        "MODELHUB_CORS_ORIGINS": f"{PAGES}, http://localhost:3000",
        "MODELHUB_RATE_FAILED_LOGINS": "3/hour",
        "MODELHUB_BOOTSTRAP_PASSWORD": "a good password",
    }
    with data_folder() as folder, running_server(folder, **more) as server:
        yield server


def preflight(server: Server, origin: str, path: str = BULK) -> requests.Response:
    """Send a browser's preflight, which carries no key."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key,x-api-key,x-request-id,x-secret-key",
    }
    return server.request("OPTIONS", path, headers=headers)


def allowed(answer: requests.Response) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


class TestOtherOrigins:
    """CORS for the origins of the setting, on the API only, errors included."""

    @pytest.mark.parametrize("origin", [PAGES, "http://localhost:3000"])
    def test_a_preflight_of_a_named_one(self, server: Server, origin: str) -> None:
        answer = preflight(server, origin)
        assert (answer.status_code, allowed(answer)) == (200, origin)
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert {"x-api-key", "x-secret-key", "idempotency-key", "x-request-id", "content-type"} <= set(
            answer.headers["Access-Control-Allow-Headers"].split(", ")
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://pages.example.com", f"{PAGES}.evil.example", f"{PAGES}:444"]
    )
    def test_any_other_one(self, server: Server, origin: str) -> None:
        assert allowed(preflight(server, origin)) is None
        read = server.request("GET", "/model-hub/sources/", headers=server.headers | {"Origin": origin})
        assert (read.status_code, allowed(read)) == (200, None)

    def test_answers_and_errors_can_be_read(self, server: Server) -> None:
        right, wrong = server.headers | {"Origin": PAGES}, {"Origin": PAGES, "X-Api-Key": "k", "X-Secret-Key": "wrong"}
        answers = [
            server.request("GET", "/model-hub/sources/", headers=right),
            server.request("POST", BULK, headers=right, json={}),
            server.request("POST", "/model-hub/nothing/", headers=right),
            server.request("GET", "/model-hub/sources/", headers=wrong),
        ]
        assert [answer.status_code for answer in answers] == [200, 400, 404, 401]
        for answer in answers:
            assert allowed(answer) == PAGES
            assert "origin" in answer.headers["Vary"].lower()
            exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
            assert {"X-Request-Id", "Retry-After", "Idempotency-Replayed"} <= exposed

    def test_never_the_admin_nor_the_pages(self, server: Server) -> None:
        for path in (*PAGE_PATHS, "/admin/"):
            assert allowed(preflight(server, PAGES, path)) is None
            assert allowed(server.request("GET", path, headers={"Origin": PAGES})) is None

    def test_none_by_default(self, live: Server) -> None:
        assert allowed(preflight(live, PAGES)) is None
        assert allowed(live.request("GET", "/model-hub/sources/", headers=live.headers | {"Origin": PAGES})) is None


class TestHeaders:
    """Security headers of data and of pages."""

    def test_data_loads_nothing_and_is_not_cached(self, live: Server) -> None:
        for path in DATA_PATHS:
            headers = live.request("GET", path).headers
            assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'", path
            # The schema is public, and asked for again with its ETag.
            assert headers["Cache-Control"] == ("no-cache" if path == "/schema/" else "no-store"), path
            assert "camera=()" in headers["Permissions-Policy"], path

    def test_pages_run_no_script_but_the_servers_files(self, live: Server) -> None:
        for path in PAGE_PATHS:
            headers = live.request("GET", path).headers
            policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'none'"
            assert (
                policy["script-src"]
                == policy["style-src"]
                == policy["connect-src"]
                == policy["form-action"]
                == "'self'"
            )
            assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"

    def test_the_schemas_page_works_under_its_policy(self, live: Server) -> None:
        page = live.request("GET", "/docs/").text
        assert_loads_only_files_of_this_server(live, page, least=5)
        schema = re.search(r'data-schema="([^"]+)"', page)
        assert schema
        assert live.request("GET", schema[1]).json()["openapi"]

    def test_the_admins_pages_work_under_their_policy(self, server: Server) -> None:
        session = requests.Session()
        form = session.get(server.base_url + "/admin/login/", timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token
        fields = {"username": "admin@example.com", "password": "a good password", "csrfmiddlewaretoken": token[1]}
        home = session.post(server.base_url + "/admin/login/?next=/admin/", data=fields, timeout=30)
        assert home.url.endswith("/admin/")
        pages = {"/admin/": home.text}
        for path in re.findall(r'href="(/admin/modelhub/\w+/(?:add/)?)"', home.text):
            pages[path] = session.get(server.base_url + path, timeout=30).text
        assert len(pages) > 10
        for page in pages.values():
            assert_loads_only_files_of_this_server(server, page, least=3)
        assert session.get(server.base_url + "/admin/", timeout=30).headers["Cache-Control"].count("no-store") == 1


def assert_loads_only_files_of_this_server(server: Server, page: str, *, least: int) -> None:
    """Check for inline scripts and handlers, and load every resource of the page."""
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
    assert not re.search(r"<[^>]+\son[a-z]+=", page)
    assert "javascript:" not in page
    assert "<style" not in page
    assert not re.search(r"<[^>]+\sstyle=", page)
    loaded = set(re.findall(r'(?:src|<link [^>]*href)="([^"]+)"', page))
    assert len(loaded) >= least
    for path in loaded:
        assert path.startswith("/"), path
        assert not path.startswith("//"), path
        assert server.request("GET", path.replace("&amp;", "&")).status_code == 200, path


@pytest.mark.parametrize(
    ("origin", "path", "shown"),
    [(PAGES, BULK, PAGES), ("https://evil.example", BULK, None), (PAGES, "/admin/login/", None), ("", BULK, None)],
)
def test_refusals_before_the_application_can_be_read_too(
    server: Server, origin: str, path: str, shown: str | None
) -> None:
    """The page would see a network error in place of "the body is too large"."""
    answer = server.request("POST", path, data=b"x" * 9_000_000, headers={"Origin": origin})
    assert (answer.status_code, allowed(answer)) == (413, shown)
    if shown:
        usual = server.request("POST", path, data=b"{", headers=server.headers | {"Origin": origin})
        for name in ("Access-Control-Expose-Headers", "Access-Control-Allow-Credentials"):
            assert answer.headers.get(name) == usual.headers.get(name)
        assert answer.headers["Vary"] == "Origin"
