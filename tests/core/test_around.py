"""What surrounds the endpoints: health, errors of no endpoint, request ids, logs, the schema and its page."""

import json
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client

from modelhub.core import health
from modelhub.urls import urlpatterns
from tests.client import BULK, Caller

pytestmark = pytest.mark.django_db


def test_health_needs_no_key() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_the_database_answers_and_is_migrated() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": True, "migrations": True})


def test_not_ready_before_the_migrations() -> None:
    health._plan_was_empty.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'modelhub'")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": True, "migrations": False})


def test_a_path_that_is_none_is_a_problem_that_speaks_of_slashes(alice: Caller) -> None:
    answer = alice.post("/model-hub/scores/bulk", {})
    assert answer.status == 404
    assert answer.body["detail"] == 'There is no path "/model-hub/scores/bulk" here. Paths end in a slash.'
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_method_that_is_none_is_a_405_problem(alice: Caller) -> None:
    answer = alice.request("DELETE", BULK)
    assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")


def test_a_get_with_a_body_is_answered(alice: Caller) -> None:
    assert alice.request("GET", "/model-hub/annotations-labels/", {}).status == 200


def test_any_accept_header_gets_json(alice: Caller) -> None:
    answer = alice.request("GET", "/model-hub/annotations-labels/", headers={"Accept": "text/html"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("given", ["", "mine-1", "bad id", "x" * 129])
def test_request_ids(alice: Caller, given: str) -> None:
    answer = alice.request("POST", BULK, {}, headers={"X-Request-Id": given})
    answered = answer.headers["X-Request-Id"]
    assert answer.body["request_id"] == answered
    assert (answered == given) is (given == "mine-1")


def test_what_nobody_foresaw_is_a_500_that_says_nothing(alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("modelhub.scores.views.record_scores", fail)
    answer = alice.post(BULK, {"source_type": "trace", "source_id": "t", "scores": [1]})
    assert answer.status == 500
    assert answer.body["code"] == "server_error"
    assert "secret" not in json.dumps(answer.body)


def test_a_database_that_fails_is_a_503_that_says_when_to_come_back(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("a secret of the inside")

    monkeypatch.setattr("modelhub.scores.views.record_scores", fail)
    answer = alice.post(BULK, {"source_type": "trace", "source_id": "t", "scores": [1]})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "secret" not in json.dumps(answer.body)


def test_the_log_line_of_a_request_has_ids_and_no_secrets(alice: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        response = alice.post(BULK + "?dry_run=maybe", {"notes": "private words"})
    [line] = [record.msg for record in caplog.records]
    assert isinstance(line, dict)
    assert (line["logger"], line["event"]) == ("modelhub.requests", "request")
    assert line["request_id"] == response.headers["X-Request-Id"]
    assert (line["key"], line["organization"]) == (str(alice.key.pk), str(alice.user.organization_id))
    assert (line["method"], line["route"], line["path"], line["status"]) == ("POST", "scores-bulk", BULK, 400)
    assert line["ms"] > 0
    for secret in ("private words", "maybe", alice.secret):
        assert secret not in str(line)


def test_probes_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        response = Client().get("/healthz")
    assert response.headers["X-Request-Id"]
    assert not caplog.records


class TestTheSchema:
    """`/schema/` and the page of it."""

    @pytest.fixture
    def schema(self) -> dict[str, Any]:
        parsed: dict[str, Any] = yaml.safe_load(Client().get("/schema/").content)
        return parsed

    def test_has_every_route(self, schema: dict[str, Any]) -> None:
        routes = {"/" + str(pattern.pattern).replace("<id:pk>", "{id}") for pattern in urlpatterns}
        assert routes - {"/metrics", "/schema/", "/docs/", "/"} == set(schema["paths"])

    def test_tells_how_to_authenticate(self, schema: dict[str, Any]) -> None:
        assert set(schema["components"]["securitySchemes"]) == {"ApiKey", "SecretKey", "Bearer"}
        assert schema["paths"][BULK]["post"]["security"] == [{"ApiKey": [], "SecretKey": []}, {"Bearer": []}]

    def test_answers_have_the_fields_that_the_schema_says(self, schema: dict[str, Any], alice: Caller) -> None:
        label = alice.post("/model-hub/annotations-labels/", {"name": "L", "type": "star"}).body["result"]
        source = alice.post("/model-hub/sources/", {"source_type": "trace", "source_id": "t"}).body
        score = {"source_type": "trace", "source_id": "t", "label_id": label["id"], "value": 4}
        responses = {
            "/model-hub/annotations-labels/{id}/": label,
            "/model-hub/sources/{id}/": source,
            "/model-hub/scores/{id}/": alice.post("/model-hub/scores/", score).body,
        }
        for path, body in responses.items():
            content = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert set(body) == set(schema["components"]["schemas"][name]["required"])

    def test_its_page_needs_nothing_from_elsewhere(self) -> None:
        page = Client().get("/docs/").content.decode()
        assert "swagger-ui" in page
        assert "//" not in page.replace("http://www.w3.org", "").replace("://testserver", "").split("<script>")[0]


@pytest.mark.parametrize("path", ["/docs/", "/"])
def test_pages_for_browsers_refuse_other_methods_with_a_problem(path: str) -> None:
    for method in ("post", "put", "options"):
        answer = getattr(Client(enforce_csrf_checks=True), method)(path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_the_root_leads_to_the_page() -> None:
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/docs/")


def test_an_id_in_a_path_may_be_spelled_like_any_uuid(alice: Caller) -> None:
    label = alice.post("/model-hub/annotations-labels/", {"name": "L", "type": "star"}).body["result"]
    for spelling in (label["id"].upper(), label["id"].replace("-", "")):
        assert alice.get(f"/model-hub/annotations-labels/{spelling}/").body["id"] == label["id"]
