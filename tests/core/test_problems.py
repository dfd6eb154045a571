"""Error answers of views, of Django's handlers and of pages for browsers."""

import json
import uuid
from typing import Any

import pytest
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.db.utils import InternalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions

from modelhub.accounts.throttling import reject_login
from modelhub.core import errors, problems
from tests.client import BULK, Caller

SUBCLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refused)]


def standby_error() -> InternalError:
    error = InternalError("cannot execute INSERT in a read-only transaction")
    error.__cause__ = ReadOnlySqlTransaction()
    return error


@pytest.mark.parametrize(
    ("error", "status", "code", "sentence"),
    [
        (errors.Invalid("x must be y, got z"), 400, "invalid", "x must be y, got z"),
        (errors.Invalid("Unknown field", code="unknown_field"), 400, "unknown_field", "Unknown field"),
        (errors.Unauthenticated("No key."), 401, "not_authenticated", "No key."),
        (errors.Forbidden("No scope."), 403, "permission_denied", "No scope."),
        (errors.NotFound("No label.", code="label_not_found"), 404, "label_not_found", "No label."),
        (errors.Conflict("Twice."), 409, "conflict", "Twice."),
        (errors.TooLarge("Too many."), 413, "too_large", "Too many."),
        (errors.Mismatch("Another request."), 422, "idempotency_mismatch", "Another request."),
        (errors.RateLimited("Too often.", wait=3), 429, "rate_limited", "Too often. Try again in 3 seconds."),
        (errors.Unimplemented("Not here."), 501, "not_implemented", "Not here."),
        (errors.OutcomeUnknown("Lost."), 503, "outcome_unknown", "Lost."),
        (OperationalError("a secret"), 503, "service_unavailable", problems.UNAVAILABLE),
        (InterfaceError("a secret"), 503, "service_unavailable", problems.UNAVAILABLE),
        (standby_error(), 503, "service_unavailable", problems.UNAVAILABLE),
        (exceptions.NotFound("No page."), 404, "not_found", "No page."),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed", 'Method "PUT" not allowed.'),
        (exceptions.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type", problems.NOT_JSON),
    ],
)
def test_an_exception_of_a_view_becomes_a_problem(error: Exception, status: int, code: str, sentence: str) -> None:
    response = problems.handle_exception(error, {})

    assert response is not None
    assert response.status_code == response.data["status"] == status
    assert response.data["code"] == code
    assert response.data["detail"] == response.data["message"] == sentence
    assert response.content_type == "application/problem+json"


def test_an_unexpected_exception_is_left_to_django() -> None:
    assert problems.handle_exception(RuntimeError("a bug"), {}) is None


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (errors.Unauthenticated("x"), {"WWW-Authenticate": "ApiKey"}),
        (errors.RateLimited("x", wait=7), {"Retry-After": "7"}),
        (errors.OutcomeUnknown("x"), {"Retry-After": "1"}),
        (OperationalError("x"), {"Retry-After": "1"}),
        (errors.Conflict("x"), {}),
    ],
)
def test_headers_name_the_challenge_and_the_time_to_retry(error: Exception, headers: dict[str, str]) -> None:
    response = problems.handle_exception(error, {})

    assert response is not None
    assert {name: response[name] for name in ("WWW-Authenticate", "Retry-After") if name in response} == headers


def test_sentences_by_field_are_listed_in_errors() -> None:
    fields = {"name": ["name must be short"], "type": ["type must be known"]}
    response = problems.handle_exception(errors.Invalid("both are wrong", fields=fields), {})

    assert response is not None
    assert response.data["errors"] == fields


@pytest.mark.parametrize("kind", SUBCLASSES)
def test_each_error_has_a_status_and_a_code_of_its_own(kind: type[errors.Refused]) -> None:
    assert 400 <= kind.status < 600
    assert [other for other in SUBCLASSES if other.code == kind.code] == [kind]


def test_a_body_above_djangos_limit_is_a_413() -> None:
    request = RequestFactory().post("/admin/login/")

    assert problems.bad_request(request, RequestDataTooBig()).status_code == 413
    wrong_host = problems.bad_request(request, DisallowedHost())
    assert (wrong_host.status_code, json.loads(wrong_host.content)["code"]) == (400, "host_not_allowed")


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
def test_a_read_only_page_rejects_other_methods(method: str) -> None:
    view = problems.read_only(lambda request: HttpResponse("page"))
    response = view(RequestFactory().generic(method, "/"))

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert view(RequestFactory().get("/")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/docs/", "/metrics", "/static/modelhub/favicon.svg"])
def test_pages_for_browsers_reject_other_methods_before_csrf(path: str) -> None:
    for method in ("post", "put", "options"):
        answer = getattr(Client(enforce_csrf_checks=True), method)(path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class TestPages:
    """A browser gets a page, and every API client the JSON problem."""

    def page(self, path: str, status: int, method: str = "get", **more: Any) -> str:
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        answer = getattr(client, method)(path, headers={"Accept": BROWSER, **more.pop("headers", {})}, **more)
        assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert "Accept" in answer["Vary"]
        assert f"<span>{status}</span>" in answer.content.decode()
        return str(answer.content.decode())

    def test_unknown_paths_are_quoted_without_markup(self) -> None:
        page = self.page("/nothing/<script>x</script>/", 404)
        assert "&lt;script&gt;" in page
        assert "<script" not in page

    def test_bad_hosts(self, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["testserver"]
        assert "Host header" in self.page("/", 400, headers={"Host": "evil.example"})

    def test_forms_out_of_date(self) -> None:
        assert "reload the page" in self.page("/admin/login/", 403, "post")

    @pytest.mark.django_db
    def test_methods(self) -> None:
        assert "&quot;POST&quot; is not allowed" in self.page("/docs/", 405, "post")

    @pytest.mark.parametrize(
        ("error", "status"),
        [(RuntimeError("a secret"), 500), (OperationalError("a secret"), 503), (standby_error(), 503)],
    )
    def test_internal_errors(self, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr("django.contrib.admin.sites.AdminSite.has_permission", fail)
        assert "secret" not in self.page("/admin/login/", status)

    def test_rate_limits(self) -> None:
        request = RequestFactory().post("/admin/login/", headers={"Accept": BROWSER})
        answer = reject_login(request, None, None)
        assert (answer.status_code, answer["Content-Type"]) == (429, "text/html; charset=utf-8")
        assert "Too many failed logins" in answer.content.decode()
        assert answer["Retry-After"] == "60"

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Accept": "*/*"},
            {"Accept": "application/json, text/plain, */*"},
            {"Accept": "text/html;q=0.5, application/json"},
            {"Accept": ";;,q=,/"},
            {"Accept": BROWSER, "X-Api-Key": "key"},
            {"Accept": BROWSER, "Authorization": "Bearer x:y"},
        ],
    )
    def test_api_clients_read_json(self, headers: dict[str, str]) -> None:
        answer = Client().get("/nothing/", headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["/docs", "/schema", "/admin", "/admin/modelhub/score", "/admin/login"])
def test_a_page_without_its_slash_is_a_redirect(path: str) -> None:
    answer = Client().get(f"{path}?a=1&b=%20")
    assert (answer.status_code, answer["Location"]) == (302, f"{path}/?a=1&b=%20")
    assert Client().post(path).status_code == 405


@pytest.mark.parametrize("path", ["/model-hub/scores", "/doc", "/administration"])
def test_other_paths_are_never_redirected(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.django_db
def test_an_unknown_path_is_a_404_with_a_hint_about_the_slash(alice: Caller) -> None:
    answer = alice.post("/model-hub/scores/bulk", {})

    assert answer.status == 404
    assert answer.body["detail"] == 'There is no path "/model-hub/scores/bulk" here. Paths end in a slash.'
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/metrics", "/healthz/", "/model-hub/score"])
def test_a_path_that_a_slash_would_not_help_has_no_hint(path: str) -> None:
    assert Client().get(path).json()["detail"] == f'There is no path "{path}" here.'


@pytest.mark.django_db
def test_a_long_path_keeps_its_closing_quote(alice: Caller) -> None:
    answer = alice.get("/" + "x" * 300)
    assert answer.body["detail"] == f'There is no path "/{"x" * 198}…" here.'


@pytest.mark.django_db
def test_a_path_with_two_ids_is_shown_as_sent(alice: Caller) -> None:
    queue = f"annotation-queues/{uuid.uuid4()}"
    for path in (f"{queue}/decisions/", f"{queue}/items/{uuid.uuid4()}/annotations/decisions/"):
        assert alice.get(f"/model-hub/{path}").body["detail"] == f'There is no path "/model-hub/{path}" here.'


@pytest.mark.django_db
def test_an_unsupported_method_of_the_api_is_a_405(alice: Caller) -> None:
    answer = alice.delete(BULK)
    assert (answer.status, answer.body["code"]) == (405, "method_not_allowed")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (RuntimeError("a secret of the inside"), 500, "server_error", None),
        (OperationalError("a secret of the inside"), 503, "service_unavailable", "1"),
    ],
)
def test_an_internal_error_reveals_nothing(
    alice: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    def fail(_: Any) -> None:
        raise error

    monkeypatch.setattr("modelhub.scores.views.record_scores", fail)
    answer = alice.post(BULK, {"source_type": "trace", "source_id": "t", "scores": [1]})

    assert (answer.status, answer.body["code"], answer.headers.get("Retry-After")) == (status, code, retry_after)
    assert "secret" not in json.dumps(answer.body)
