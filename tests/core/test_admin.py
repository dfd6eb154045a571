"""The admin's lists and forms of all tables: counts, statements, odd requests."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from modelhub.core import admin as core_admin
from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.admin import SourceAdmin
from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import (
    ApiKeyFactory,
    LabelFactory,
    OrganizationFactory,
    ProjectFactory,
    ScoreFactory,
    SourceFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

# Statements of the list and of the form; two of each are about the session and its user.
STATEMENTS = {
    "organization": (4, 3),
    "user": (4, 4),
    "apikey": (4, 5),
    "project": (4, 4),
    "source": (5, 5),
    "label": (4, 5),
    "score": (5, 5),
}
ROW = r'<th class="field-source_id"><a href="[^"]*/([0-9a-f-]{36})/change/'
BROWSER = {"Accept": "text/html"}


def make(table: str, alice: Caller) -> Any:
    organization = alice.user.organization
    if table == "organization":
        return OrganizationFactory.create()
    if table == "apikey":
        return ApiKeyFactory.create(user=UserFactory.create(organization=organization))
    if table == "score":
        source = SourceFactory.create(organization=organization)
        return ScoreFactory.create(source=source, updated_by=UserFactory.create(organization=organization))
    factories: dict[str, Any] = {"user": UserFactory, "project": ProjectFactory, "source": SourceFactory}
    if table == "label":
        return LabelFactory.create(organization=organization, project=ProjectFactory.create(organization=organization))
    return factories[table].create(organization=organization)


def statements(staff: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert staff.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize("table", STATEMENTS)
def test_lists_and_forms_send_few_statements_whatever_the_number_of_rows(
    staff: Client, alice: Caller, table: str
) -> None:
    path = f"/admin/modelhub/{table}/"
    row = make(table, alice)
    statements(staff, f"{path}{row.pk}/change/")  # the content type is read once per process
    few = statements(staff, path), statements(staff, f"{path}{row.pk}/change/")
    for _ in range(20):
        make(table, alice)
    many = statements(staff, path), statements(staff, f"{path}{row.pk}/change/")
    assert few == many == STATEMENTS[table]


class TestPages:
    """Small tables are counted; large ones have a next page."""

    PATH = "/admin/modelhub/source/"

    def count_line(self, staff: Client, query: str = "", status: int = 200) -> str:
        answer = staff.get(self.PATH + query, headers=BROWSER)
        assert answer.status_code == status
        found = re.search(r'<p class="paginator">(.*?)</p>', answer.content.decode(), re.DOTALL)
        return " ".join(re.sub(r"<[^>]+>", " ", found[1] if found else "").split())

    @pytest.fixture
    def sources(self, alice: Caller) -> list[Source]:
        created: list[Source] = SourceFactory.create_batch(120, organization=alice.user.organization)
        return created

    def test_an_empty_list(self, staff: Client) -> None:
        assert self.count_line(staff) == "0 sources"

    def test_a_counted_list(self, staff: Client, sources: list[Source]) -> None:
        assert self.count_line(staff) == "1 2 3 120 sources Show all"
        assert self.count_line(staff, f"?q={sources[7].source_id}") == "1 source"

    def test_a_large_list(self, staff: Client, sources: list[Source], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(core_admin, "COUNTED", 100)
        monkeypatch.setattr(SourceAdmin, "list_max_show_all", 50)
        assert self.count_line(staff) == "1 Next more than 100 sources"
        assert self.count_line(staff, "?p=2") == "Previous 2 Next more than 100 sources"
        assert self.count_line(staff, "?p=3") == "Previous 3 more than 100 sources"
        assert self.count_line(staff, "?p=4") == "Previous 4 more than 100 sources"

    def test_each_row_of_a_large_list_is_on_one_page(
        self, staff: Client, sources: list[Source], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(core_admin, "COUNTED", 100)
        found = [pk for page in (1, 2, 3) for pk in re.findall(ROW, text_of(staff, f"{self.PATH}?p={page}"))]
        assert found == [str(source.pk) for source in reversed(sources)]

    @pytest.mark.parametrize("page", ["0", "-1", "9", "999999999999999999999999", "9" * 5000])
    def test_a_page_that_there_is_not(self, staff: Client, sources: list[Source], page: str) -> None:
        answer = staff.get(f"{self.PATH}?p={page}", headers=BROWSER)
        assert answer.status_code == (200 if len(page) == 5000 else 400)

    def test_a_table_of_more_rows_counts_no_more_than_10_000(self, staff: Client) -> None:
        with CaptureQueriesContext(connection) as captured:
            staff.get(self.PATH)
        assert [query["sql"] for query in captured if "COUNT(" in query["sql"] and "LIMIT 10001" in query["sql"]]


def text_of(staff: Client, path: str) -> str:
    answer = staff.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


ID = "018f0000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "path",
    [
        "score/?label=x",
        "score/?type=stars",
        "score/?from=yesterday",
        "score/?from=2026-02-30",
        "score/?to=9999-12-31",
        "score/?annotator=%00",
        "score/?q=%00",
        "score/?%00=1",
        "score/?label__name__regex=(((",
        "score/?notes__contains=x",
        "score/?lable=x",
        "source/?source_type=%00",
        "user/?is_active=maybe",
        "user/?password__startswith=a",
        "apikey/?secret_digest__startswith=sha",
        "apikey/?state=ended",
        "../autocomplete/?app_label=modelhub&model_name=apikey&field_name=user&term=%00",
    ],
)
def test_a_filter_that_cannot_be_used_is_a_400_page(staff: Client, score: Score, path: str) -> None:
    answer = staff.get(f"/admin/modelhub/{path}".replace("modelhub/../", ""), headers=BROWSER)
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("table", STATEMENTS)
@pytest.mark.parametrize(
    "path",
    [
        *("x/change/", "%00/change/", "x/history/", "%00/history/", "x/delete/", f"{ID}/change/", f"{ID}/history/"),
        *("?o=99", "?o=x.-1.0.99999999999999999999", "?all=", "?e=1", "?q=x", "?q=%ED%A0%80", "?p=x", "?_facets=True"),
        *(f"{ID}/change/?_to_field=", f"{ID}/delete/?_to_field=", "add/?organization=x&user=-1"),
        *("?_popup=1", "?_popup=1&_to_field=id", "?_to_field=password", "?q=%F0%9F%91%8D", "?q=" + "9" * 5000),
    ],
)
def test_no_odd_request_is_an_internal_error(staff: Client, score: Score, table: str, path: str) -> None:
    assert staff.get(f"/admin/modelhub/{table}/{path}", headers=BROWSER).status_code in {200, 302, 400, 403, 404}


@pytest.mark.parametrize(
    "path",
    [
        *("r/1/x/", "r/99999999999999999999/x/", "r/1/%00/", "jsi18n/", "autocomplete/", "password_change/"),
        "autocomplete/?app_label=modelhub&model_name=apikey&field_name=user&page=99999999999999999999999",
        "autocomplete/?app_label=modelhub&model_name=apikey&field_name=user&page=-1",
        *("autocomplete/?app_label=%00&model_name=x&field_name=y", "login/?next=%00", "modelhub/", "other/"),
    ],
)
def test_no_odd_path_is_an_internal_error(staff: Client, score: Score, path: str) -> None:
    assert staff.get(f"/admin/{path}", headers=BROWSER).status_code in {200, 302, 400, 403, 404}


@pytest.mark.parametrize(
    "form",
    [
        {"action": "revoke", "_selected_action": "x"},
        {"action": "revoke", "_selected_action": "\0"},
        {"action": "revoke", "_selected_action": ID, "index": "9" * 5000},
        {"action": "nothing", "_selected_action": ID, "index": "0"},
        {"action": "\0", "_selected_action": ID},
    ],
)
def test_no_odd_action_is_an_internal_error(staff: Client, alice: Caller, form: dict[str, str]) -> None:
    assert staff.post("/admin/modelhub/apikey/", form, headers=BROWSER).status_code in {200, 302, 400}
    assert alice.get("/model-hub/sources/").status == 200


@pytest.mark.parametrize("table", ["apikey", "project", "user"])
def test_a_form_with_a_wrong_id_is_shown_again(staff: Client, table: str) -> None:
    form = {"name": "New", "organization": "x", "user": "x"}
    answer = staff.post(f"/admin/modelhub/{table}/add/", form)
    assert answer.status_code == 200
    assert "valid choice" in answer.content.decode() or "valid UUID" in answer.content.decode()


def test_an_error_page_names_the_rule(staff: Client) -> None:
    page = staff.get("/admin/modelhub/score/?lable=x", headers=BROWSER).content.decode()
    assert "Unknown filter &quot;lable&quot;. Did you mean &quot;label&quot;?" in page


def test_a_method_that_a_page_lacks_is_a_405_page(staff: Client) -> None:
    answer = staff.get("/admin/logout/", headers=BROWSER)
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    assert "&quot;GET&quot; is not allowed here" in answer.content.decode()


@pytest.mark.parametrize("table", ["organization", "user", "apikey", "project"])
def test_rows_that_can_be_added_have_a_form(staff: Client, table: str) -> None:
    assert staff.get(f"/admin/modelhub/{table}/add/").status_code == 200


@pytest.mark.parametrize("table", ["source", "label", "score"])
def test_rows_with_a_history_cannot_be_edited(staff: Client, score: Score, table: str) -> None:
    row: Any = {"source": score.source, "label": score.label, "score": score}[table]
    path = f"/admin/modelhub/{table}/"
    assert staff.get(path + "add/").status_code == 403
    assert staff.post(f"{path}{row.pk}/change/", {}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("table", ["source", "label"])
def test_rows_without_a_history_offer_none(staff: Client, score: Score, table: str) -> None:
    row: Any = {"source": score.source, "label": score.label}[table]
    page = text_of(staff, f"/admin/modelhub/{table}/{row.pk}/change/")
    assert "/history/" not in page
    assert f'<li><a href="/admin/modelhub/score/?{table}={row.pk}">Scores</a></li>' in page
    assert "/history/" in text_of(staff, f"/admin/modelhub/score/{score.pk}/change/")


def test_times_have_seconds_and_a_zone(staff: Client, score: Score) -> None:
    time = f"{score.created_at:%Y-%m-%d %H:%M:%S} UTC"
    assert time in text_of(staff, "/admin/modelhub/score/")
    assert time in text_of(staff, f"/admin/modelhub/score/{score.pk}/change/")


def test_pages_have_titles_of_their_own(staff: Client) -> None:
    assert "<title>Scores, labels and access | modelhub</title>" in text_of(staff, "/admin/")
    assert "<title>API keys | modelhub</title>" in text_of(staff, "/admin/modelhub/apikey/")


@pytest.fixture
def score(alice: Caller, trace: Source, labels: dict[str, Label]) -> Score:
    created: Score = ScoreFactory.create(source=trace, label=labels["star"], annotator=alice.user)
    return created


@pytest.mark.parametrize("table", ["organization", "user", "apikey", "project"])
@pytest.mark.parametrize("name", ["\u2060", "a\u202eb", "a\nb", "a\0b"])
def test_names_are_visible(staff: Client, alice: Caller, table: str, name: str) -> None:
    form = {
        "name": name,
        "organization": str(alice.user.organization_id),
        "user": str(alice.user.pk),
        "scopes": "read",
        "email": "new@example.com",
        "role": "member",
        "usable_password": "false",
    }
    path = f"/admin/modelhub/{table}/add/"
    answer = staff.post(path, form)
    assert answer.status_code == 200
    assert "visible characters" in answer.content.decode() or "\0" in name
    assert staff.post(path, form | {"name": "Visible"}).status_code == 302
