"""What a deployment in production must be: Django's own checks find nothing."""

from pathlib import Path

from tests.servers import Server, environment, manage, running_server


def test_djangos_deployment_checks_are_clean(tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        MODELHUB_PRODUCTION="true",
        MODELHUB_HTTPS="true",
        MODELHUB_SECRET_KEY="k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        MODELHUB_ALLOWED_HOSTS="scores.example.com",
    )
    result = manage("check", "--deploy", "--fail-level", "WARNING", env=env)
    assert result.returncode == 0, result.stderr


def test_every_answer_has_the_headers_of_a_careful_server(live: Server) -> None:
    for path in ("/model-hub/sources/", "/model-hub/nothing/", "/healthz", "/admin/login/"):
        headers = live.request("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


def test_plain_http_is_redirected_only_where_https_is_promised(folder: Path) -> None:
    with running_server(folder, MODELHUB_HTTPS="true") as server:
        plain = server.request("GET", "/model-hub/sources/", allow_redirects=False)
        assert (plain.status_code, plain.headers["Location"][:8]) == (301, "https://")
        assert server.request("GET", "/healthz", allow_redirects=False).status_code == 200
        behind_proxy = server.headers | {"X-Forwarded-Proto": "https"}
        answer = server.request("GET", "/model-hub/sources/", headers=behind_proxy)
        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=2592000"


def test_a_host_that_is_not_allowed_is_a_400_problem(folder: Path) -> None:
    with running_server(folder, MODELHUB_ALLOWED_HOSTS="127.0.0.1") as server:
        answer = server.request("GET", "/model-hub/sources/", headers=server.headers | {"Host": "evil.example"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
        assert "Host header" in answer.json()["detail"]
