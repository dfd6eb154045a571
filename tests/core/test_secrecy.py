"""Marked secrets and values are in no log line and no response of a server."""

import re
from collections.abc import Iterator

import psycopg
import pytest
import requests

from tests.servers import API_KEY, Server, data_folder, running_server

BULK = "/model-hub/scores/bulk/"
SOURCES = "/model-hub/sources/"
LABELS = "/model-hub/annotations-labels/"
RIGHT, WRONG, PASSWORD = "mark-right-secret", "mark-wrong-secret", "mark-right-password"
SIGNER = "mark-signing-key-0123456789-0123456789-0123456789-0123456789"
TOKEN = "mark-metrics-token-0123456789"
SECRETS = (TOKEN, RIGHT, WRONG, PASSWORD, SIGNER, "mark-wrong-password", "sha256$", "pbkdf2_sha256$")
KEYS = {"X-Api-Key": API_KEY, "X-Secret-Key": RIGHT}


class Heard:
    """Server with all of its responses."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[requests.Response] = []
        self.session = requests.Session()

    def ask(self, method: str, path: str, expected: int | None = None, **options: object) -> requests.Response:
        """Send a request, keep the response and check its status."""
        options = {"headers": KEYS, "timeout": 30} | options
        answer = self.session.request(method, self.server.base_url + path, **options)  # type: ignore[arg-type]
        assert expected in {None, answer.status_code}, answer.text
        self.answers.append(answer)
        return answer

    def sql(self, statement: str) -> None:
        """Run a statement on the server's database."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    more = {
        "MODELHUB_BOOTSTRAP_SECRET_KEY": RIGHT,
        "MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD,
        "MODELHUB_SECRET_KEY": SIGNER,
        "MODELHUB_METRICS_TOKEN": TOKEN,
        "MODELHUB_LOG_LEVEL": "DEBUG",
    }
    with data_folder() as folder, running_server(folder, **more) as server:
        yield Heard(server)


def test_authentication(heard: Heard) -> None:
    heard.ask("GET", SOURCES, 200)
    heard.ask("GET", SOURCES, 200, headers={"Authorization": f"Bearer {API_KEY}:{RIGHT}"})
    for headers in (
        {"X-Api-Key": API_KEY, "X-Secret-Key": WRONG},
        {"X-Api-Key": WRONG, "X-Secret-Key": RIGHT},
        {"X-Api-Key": RIGHT, "X-Secret-Key": API_KEY},
        {"Authorization": f"Bearer {API_KEY}:{WRONG}"},
        {"Authorization": f"Bearer {RIGHT}"},
        {"Authorization": f"Basic {RIGHT}"},
        {"X-Secret-Key": RIGHT},
    ):
        heard.ask("GET", SOURCES, 401, headers=headers)
    heard.ask("GET", "/metrics", 200, headers={"Authorization": f"Bearer {TOKEN}"})
    heard.ask("GET", "/metrics", headers={"Authorization": f"Bearer {WRONG}"})
    for path in ("/metrics", "/healthz", "/readyz", "/schema/", "/docs/", "/", "/model-hub/nothing/", "/admin/"):
        heard.ask("GET", path)


def test_bodies(heard: Heard) -> None:
    heard.ask("POST", SOURCES, 201, json={"source_type": "trace", "source_id": "t", "metadata": {"a": "mark-value"}})
    label = heard.ask("POST", LABELS, 200, json={"name": "L", "type": "star"}).json()["result"]["id"]
    batch = {"source_type": "trace", "source_id": "t", "notes": "mark-value"}
    wrong = [{"label_id": label, "value": "mark-value"}, {"label_id": "mark-value", "value": 1}, "mark-value"]
    heard.ask("POST", BULK, 200, json=batch | {"scores": wrong})
    heard.ask(
        "POST", BULK, 201, json=batch | {"scores": [{"label_id": label, "value": {"rating": 4, "x": "mark-value"}}]}
    )
    heard.ask("POST", BULK, 400, json={"mark-value": "mark-value"})
    for raw in (b'{"notes": "mark-value', b"mark-value", b'"\xff mark-value"', b"[" * 5000 + b"mark-value"):
        heard.ask("POST", BULK, 400, data=raw, headers=KEYS | {"Content-Type": "application/json"})
    heard.ask("POST", BULK, 415, data={"notes": "mark-value"})
    heard.ask("GET", f"{SOURCES}?name=mark-value&secret_key={RIGHT}")


def test_the_admin(heard: Heard) -> None:
    def log_in(password: str) -> str:
        form = heard.ask("GET", "/admin/login/", 200, headers={}).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token
        fields = {"username": "admin@example.com", "password": password, "csrfmiddlewaretoken": token[1]}
        return heard.ask("POST", "/admin/login/?next=/admin/", 200, data=fields, headers={}).text

    assert "modelhub" not in re.findall(r'href="/admin/(\w+)/', log_in("mark-wrong-password"))
    home = log_in(PASSWORD)
    lists = re.findall(r'href="(/admin/modelhub/\w+/)"', home)
    assert len(lists) >= 7
    for path in lists:
        page = heard.ask("GET", path, 200, headers={}).text
        for form in re.findall(rf'href="({path}[0-9a-f-]{{36}}/change/)', page):
            heard.ask("GET", form, 200, headers={})
            heard.ask("GET", form.replace("change", "history"), 200, headers={})


def test_messages_of_the_database_that_quote_values(heard: Heard) -> None:
    """Reject rows and rename columns: PostgreSQL's messages quote row and statement."""
    heard.sql("ALTER TABLE modelhub_source ADD CONSTRAINT unforeseen CHECK (name <> 'mark-value') NOT VALID")
    heard.ask("POST", SOURCES, json={"source_type": "trace", "source_id": "u", "name": "mark-value"})
    heard.sql("ALTER TABLE modelhub_score ADD CONSTRAINT unforeseen CHECK (notes <> 'mark-value') NOT VALID")
    label = heard.ask("GET", LABELS, 200).json()["results"][0]["id"]
    batch = {"source_type": "trace", "source_id": "t", "scores": [{"label_id": label, "value": 1}]}
    heard.ask("POST", BULK, 200, json=batch | {"notes": "mark-value"})
    heard.sql(
        "CREATE FUNCTION quote_the_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'unforeseen: %', NEW.name USING ERRCODE = '22023'; END $$; "
        "CREATE TRIGGER quote_the_row BEFORE INSERT ON modelhub_label FOR EACH ROW EXECUTE FUNCTION quote_the_row()"
    )
    heard.ask("POST", LABELS, 500, json={"name": "mark-value", "type": "star"})
    heard.sql("ALTER TABLE modelhub_source RENAME COLUMN source_key TO gone")
    try:
        heard.ask("POST", BULK, 500, json=batch | {"source_id": "mark-value"})
        heard.ask("GET", f"{SOURCES}?source_id=mark-value", 500)
    finally:
        heard.sql("ALTER TABLE modelhub_source RENAME COLUMN gone TO source_key")
    heard.sql("ALTER TABLE modelhub_apikey RENAME COLUMN api_key TO gone")
    try:
        heard.ask("GET", SOURCES, 500)
        heard.ask("GET", "/admin/modelhub/apikey/", 500, headers={})
    finally:
        heard.sql("ALTER TABLE modelhub_apikey RENAME COLUMN gone TO api_key")


def test_nothing_of_it_is_in_the_log_or_in_an_answer(heard: Heard) -> None:
    """Run last: search everything that the tests above caused."""
    assert len(heard.answers) > 50
    log = "".join(heard.server.log)
    assert log.count('"event": "unforeseen_error"') >= 5
    assert "UndefinedColumn" in log  # types and frames are logged
    assert "modelhub/labels/" in log
    for secret in (*SECRETS, "mark-value"):
        assert secret not in log, re.findall(f".{{200}}{re.escape(secret)}.{{50}}", log)[0]
    for answer in heard.answers:
        told = answer.text + str(answer.headers)
        for secret in SECRETS:
            assert secret not in told, answer.url
        assert "Traceback" not in told
        assert "psycopg" not in told
