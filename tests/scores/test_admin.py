"""The admin's pages of scores: words, links, filters, search and history."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry, execute, listed_ids
from tests.factories import LabelFactory, OrganizationFactory, ScoreFactory, SourceFactory, UserFactory

pytestmark = pytest.mark.django_db

PATH = "/admin/modelhub/score/"


def page(staff: Client, path: str = PATH, **query: Any) -> str:
    answer = staff.get(path, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def found(staff: Client, **query: Any) -> set[str]:
    """Return the ids of the listed scores."""
    return listed_ids(staff, PATH, **query)


@pytest.fixture
def scores(alice: Caller, bob: Caller, trace: Source, labels: dict[str, Label]) -> dict[str, str]:
    """Return the ids of a score per label type, by type; Bob's is the star."""
    values = {
        "categorical": ["positive"],
        "text": "Well done, <b>really</b>. " * 10,
        "numeric": 7,
        "thumbs_up_down": "up",
    }
    stored = alice.bulk(trace, [entry(labels[name], value) for name, value in values.items()]).body["scores"]
    stored += bob.bulk(trace, [entry(labels["star"], 4)]).body["scores"]
    return {score["label_type"]: score["id"] for score in stored}


def test_values_are_words(staff: Client, scores: dict[str, str]) -> None:
    text = page(staff)
    for words in ("4 of 5", ">positive<", ">7<", ">up<"):
        assert words in text
    assert "Well done, &lt;b&gt;really&lt;/b&gt;." in text
    assert "…</a>" in text
    assert "Well done, &lt;b&gt;really&lt;/b&gt;. " * 9 in page(staff, f"{PATH}{scores['text']}/change/")


def test_a_score_links_to_its_label_source_and_annotator_and_they_link_back(
    staff: Client, scores: dict[str, str], labels: dict[str, Label], trace: Source, bob: Caller
) -> None:
    rows = {"label": labels["star"], "source": trace, "user": bob.user}
    for text in (page(staff), page(staff, f"{PATH}{scores['star']}/change/")):
        for table, row in rows.items():
            assert f'href="/admin/modelhub/{table}/{row.pk}/change/' in text
    for table, row in rows.items():
        name = "annotator" if table == "user" else table
        for path in (f"/admin/modelhub/{table}/{row.pk}/change/", f"/admin/modelhub/{table}/"):
            assert f'href="{PATH}?{name}={row.pk}"' in page(staff, path)
        assert scores["star"] in found(staff, **{name: row.pk})


def test_filters(
    staff: Client, scores: dict[str, str], labels: dict[str, Label], trace: Source, alice: Caller, bob: Caller
) -> None:
    everything = set(scores.values())
    others = everything - {scores["star"]}
    today = timezone.now().date()
    assert found(staff) == everything
    assert found(staff, label=labels["star"].pk) == {scores["star"]}
    assert found(staff, type="star") == {scores["star"]}
    assert found(staff, annotator=bob.user.pk) == {scores["star"]}
    assert found(staff, annotator=alice.user.pk, type="star") == set()
    assert found(staff, source=trace.pk) == everything
    assert found(staff, **{"from": today, "to": today}) == everything
    assert found(staff, **{"from": today + timedelta(days=1)}) == set()
    assert found(staff, to=today - timedelta(days=1)) == set()
    assert found(staff, score_source="human") == everything
    assert found(staff, score_source="model") == set()
    execute("UPDATE modelhub_score SET deleted_at = now() WHERE id = %s", scores["star"])
    assert found(staff) == found(staff, state="live") == others
    assert found(staff, state="deleted") == {scores["star"]}
    assert found(staff, state="all") == everything
    assert "<s>4 of 5 (deleted)</s>" in page(staff, state="all")


def test_days_include_their_midnights(staff: Client, scores: dict[str, str]) -> None:
    execute("UPDATE modelhub_score SET created_at = '2026-01-31T00:00:00Z' WHERE id = %s", scores["star"])
    execute("UPDATE modelhub_score SET created_at = '2026-02-01T00:00:00Z' WHERE id = %s", scores["text"])
    assert found(staff, **{"from": "2026-01-31", "to": "2026-01-31"}) == {scores["star"]}
    assert found(staff, **{"from": "2026-02-01", "to": "2026-02-01"}) == {scores["text"]}


def test_search(staff: Client, scores: dict[str, str], trace: Source) -> None:
    other = ScoreFactory.create(source=SourceFactory.create(organization=trace.organization, source_id="a trace"))
    everything = set(scores.values())
    assert found(staff, q=scores["star"]) == {scores["star"]}
    assert found(staff, q=trace.source_id.upper()) == found(staff, q=trace.source_id.replace("-", "")) == everything
    assert found(staff, q=" a trace ") == {str(other.pk)}
    assert found(staff, q="BOB@example.com") == {scores["star"]}
    assert found(staff, q="nobody@example.com") == found(staff, q="trace") == set()
    execute("UPDATE modelhub_score SET deleted_at = now() WHERE id = %s", scores["star"])
    assert found(staff, q=scores["star"]) == {scores["star"]}


def test_the_list_begins_with_the_own_organization(staff: Client, scores: dict[str, str], charlie: Caller) -> None:
    theirs = ScoreFactory.create(source=SourceFactory.create(organization=charlie.user.organization))
    everything = set(scores.values())
    assert found(staff) == everything
    assert found(staff, organization="") == everything | {str(theirs.pk)}
    assert found(staff, organization=charlie.user.organization_id) == {str(theirs.pk)}
    for query in ({"q": theirs.pk}, {"source": theirs.source_id}, {"label": theirs.label_id}):
        assert found(staff, **query) == {str(theirs.pk)}
    assert found(staff, organization=OrganizationFactory.create().pk) == set()


def test_a_value_that_its_label_rejects_is_shown(staff: Client, trace: Source) -> None:
    label = LabelFactory.create(organization=trace.organization, type="numeric")
    execute("""UPDATE modelhub_label SET settings = '{"min": "x"}' WHERE id = %s""", label.pk)
    score = ScoreFactory.create(source=trace, label=label, value={"other": [1]})
    for path in (PATH, f"{PATH}{score.pk}/change/", f"{PATH}{score.pk}/history/"):
        assert "{&quot;other&quot;:[1]}" in page(staff, path)
    assert "unfit" in page(staff, "/admin/modelhub/label/")


class TestHistory:
    """HISTORY shows the values of a score, newest first."""

    def rows(self, staff: Client, score_id: object, **query: Any) -> list[str]:
        text = page(staff, f"{PATH}{score_id}/history/", **query)
        rows = re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)
        return [" ".join(re.sub(r"<[^>]+>|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", " ", row).split()) for row in rows[1:]]

    def test_of_a_corrected_and_deleted_score(
        self, staff: Client, scores: dict[str, str], alice: Caller, bob: Caller
    ) -> None:
        path = f"/model-hub/scores/{scores['star']}/"
        assert self.rows(staff, scores["star"]) == ["4 of 5 - human bob@example.com now, since"]
        bob.patch(path, {"value": 3, "notes": "hm"})
        alice.patch(path, {"value": 1, "score_source": "api"})
        alice.delete(path)
        assert self.rows(staff, scores["star"]) == [
            "1 of 5 hm api alice@example.com deleted",
            "1 of 5 hm api alice@example.com deleted by alice@example.com",
            "3 of 5 hm human bob@example.com overwritten by alice@example.com",
            "4 of 5 - human bob@example.com overwritten by bob@example.com",
        ]

    def test_of_many_values_has_pages(self, staff: Client, scores: dict[str, str], bob: Caller) -> None:
        for number in range(53):
            bob.patch(f"/model-hub/scores/{scores['star']}/", {"notes": str(number)})
        assert len(self.rows(staff, scores["star"])) == 51
        assert [row.split()[3] for row in self.rows(staff, scores["star"], p=2)] == ["1", "0", "-"]
        assert len(self.rows(staff, scores["star"], p="x")) == 51

    def test_escapes_notes(self, staff: Client, scores: dict[str, str], bob: Caller) -> None:
        bob.patch(f"/model-hub/scores/{scores['star']}/", {"notes": "<script>"})
        assert "&lt;script&gt;" in page(staff, f"{PATH}{scores['star']}/history/")

    def test_is_for_those_who_may_see_the_score(self, scores: dict[str, str], trace: Source) -> None:
        client = Client()
        user = UserFactory.create(organization=trace.organization, is_staff=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(f"{PATH}{scores['star']}/history/").status_code == 403


def test_the_page_names_the_user_of_the_last_change(staff: Client, scores: dict[str, str], alice: Caller) -> None:
    path = f"{PATH}{scores['star']}/change/"
    assert "alice@example.com</a>" not in page(staff, path)
    alice.patch(f"/model-hub/scores/{scores['star']}/", {"value": 1})
    assert "alice@example.com</a>" in page(staff, path)
    assert str(Score.objects.get(pk=scores["star"]).annotator) == "bob@example.com"


def test_no_two_fields_of_a_score_have_one_name(staff: Client, trace: Source) -> None:
    score = ScoreFactory.create(source=trace)
    page = staff.get(f"/admin/modelhub/score/{score.pk}/change/").content.decode()
    names = re.findall(r"<label>([^<]+):</label>", page)
    assert len(names) > 8
    assert sorted(names) == sorted(set(names))
