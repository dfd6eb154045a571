"""Requirements of a deployment in production: Django's own checks find no problem."""

from pathlib import Path

import pytest

from tests.servers import EMBEDDED, Server, environment, manage


def test_djangos_deployment_checks_are_clean(tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        MODELHUB_PRODUCTION="true",
        MODELHUB_HTTPS="true",
        MODELHUB_TRUSTED_PROXIES="1",
        MODELHUB_SECRET_KEY="k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        MODELHUB_ALLOWED_HOSTS="scores.example.com",
    )
    result = manage("check", "--deploy", "--fail-level", "WARNING", env=env)
    assert result.returncode == 0, result.stderr


STRONG = "0123456789abcdefghijklmnopqrstuvwxyz-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"MODELHUB_SECRET_KEY": ""}, "MODELHUB_SECRET_KEY is not set"),
        ({"MODELHUB_SECRET_KEY": STRONG[:49]}, "MODELHUB_SECRET_KEY can be guessed; production needs one of at least"),
        ({"MODELHUB_ALLOWED_HOSTS": ""}, "MODELHUB_ALLOWED_HOSTS is not set"),
        ({"MODELHUB_CORS_ORIGINS": "pages.example.com"}, "MODELHUB_CORS_ORIGINS must hold origins like"),
    ],
    ids=str,
)
def test_a_production_that_is_not_safe_does_not_start(tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    production = {
        "MODELHUB_PRODUCTION": "true",
        "MODELHUB_SECRET_KEY": STRONG,
        "MODELHUB_ALLOWED_HOSTS": "scores.example.com",
    }
    result = manage("serve", env=environment(tmp_path) | production | changed)
    assert result.returncode == 78
    assert result.stderr.startswith(f"modelhub cannot start: {sentence}")
    assert len(result.stderr.strip().splitlines()) == 1
    assert STRONG[:20] not in result.stderr


def test_every_answer_has_the_headers_of_a_careful_server(live: Server) -> None:
    for path in ("/model-hub/sources/", "/model-hub/nothing/", "/healthz", "/admin/login/"):
        headers = live.request("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


def test_no_client_sets_a_prefix_of_paths(live: Server) -> None:
    names = ("SCRIPT_NAME", "Script-Name", "X-Script-Name", "X-Forwarded-Prefix")
    answer = live.request("GET", "/docs", headers=dict.fromkeys(names, "/evil"), allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs/")


def test_an_embedded_database_in_production_is_said_aloud(tmp_path: Path) -> None:
    """It is as safe as one disk, and a mistake if DATABASE_URL was forgotten."""
    production = {
        "MODELHUB_PRODUCTION": "true",
        "MODELHUB_SECRET_KEY": STRONG,
        "MODELHUB_ALLOWED_HOSTS": "scores.example.com",
    }
    url = "postgresql://user:hidden@database/modelhub"
    assert "embedded_database" in manage("check", env=environment(tmp_path, **EMBEDDED, **production)).stderr
    assert "embedded_database" not in manage("check", env=environment(tmp_path, DATABASE_URL=url, **production)).stderr
    assert "embedded_database" not in manage("check", env=environment(tmp_path, **EMBEDDED)).stderr


def test_plain_http_in_production_is_said_aloud(tmp_path: Path) -> None:
    plain = environment(
        tmp_path,
        MODELHUB_PRODUCTION="true",
        MODELHUB_SECRET_KEY=STRONG,
        MODELHUB_ALLOWED_HOSTS="scores.example.com",
    )
    https = plain | {"MODELHUB_HTTPS": "true", "MODELHUB_TRUSTED_PROXIES": "1"}
    assert "plain_http" in manage("check", env=plain).stderr
    assert "plain_http" not in manage("check", env=https).stderr
    assert "plain_http" not in manage("check", env=environment(tmp_path)).stderr
    checked = manage("check", "--deploy", "--fail-level", "WARNING", env=plain)
    assert checked.returncode == 1
    assert "SECURE_HSTS_SECONDS" in checked.stderr
    assert "SESSION_COOKIE_SECURE" in checked.stderr
