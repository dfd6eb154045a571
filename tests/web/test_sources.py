"""Sources: search, pages, and one source with its scores and their history."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from modelhub.accounts.models import User
from modelhub.scores.models import Score, ScoreRevision
from modelhub.sources.models import Source
from modelhub.sources.notes import add_notes
from tests.factories import (
    ItemFactory,
    LabelFactory,
    QueueFactory,
    QueueMemberFactory,
    ScoreFactory,
    SourceFactory,
    UserFactory,
)
from tests.web.pages import log_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return UserFactory.create(role="admin")


def member_of(admin: User) -> User:
    return UserFactory.create(organization=admin.organization)


def page_of(source: Source) -> str:
    return reverse("web:source", kwargs={"pk": source.pk})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Checkout", "Refund"}),
        ({"search": "check"}, {"Checkout"}),
        ({"source_id": " R-1 "}, {"Refund"}),
        ({"source_type": "session"}, {"Refund"}),
        ({"search": "refund", "source_type": "trace"}, set()),
    ],
)
def test_sources_are_found_by_name_id_and_type(admin: User, query: dict[str, str], found: set[str]) -> None:
    organization = admin.organization
    SourceFactory.create(organization=organization, name="Checkout", source_id="C-1", source_key="C-1")
    SourceFactory.create(
        organization=organization, name="Refund", source_type="session", source_id="R-1", source_key="R-1"
    )
    SourceFactory.create(name="Checkout of others")
    for person in (admin, member_of(admin)):
        text = text_of(log_in(person).get(reverse("web:sources"), query))
        assert {name for name in ("Checkout", "Refund") if name in text} == found
        assert "of others" not in text


def test_sources_have_pages_newest_first_that_keep_the_search(admin: User) -> None:
    for number in range(52):
        SourceFactory.create(organization=admin.organization, name=f"Trace {number:02}")
    client = log_in(admin)
    first = client.get(reverse("web:sources"), {"search": "trace"})
    assert [text_of(first).find(f"Trace {number:02}") > 0 for number in (51, 2, 1)] == [True, True, False]
    assert 'href="?search=trace&amp;page=2"' in first.content.decode()
    last = client.get(reverse("web:sources"), {"search": "trace", "page": "2"})
    assert "Trace 00" in text_of(last)
    assert "Page 2 of 2" in text_of(last)
    assert "Next" not in text_of(last)
    # A number of no page is that of the nearest.
    assert "Page 2 of 2" in text_of(client.get(reverse("web:sources"), {"page": "9" * 50}))
    assert "Page 1 of 2" in text_of(client.get(reverse("web:sources"), {"page": "x"}))
    assert 'href="?search=trace&amp;page=1"' in last.content.decode()


def test_an_unusable_filter_is_a_sentence_on_the_page(admin: User) -> None:
    answer = log_in(admin).get(reverse("web:sources"), {"source_type": "trase"})
    assert answer.status_code == 400
    assert "source_type must be" in text_of(answer)


def test_a_page_of_sources_costs_the_same_statements_for_each_number(
    admin: User, django_assert_num_queries: Any
) -> None:
    client = log_in(admin)
    SourceFactory.create(organization=admin.organization)
    for _ in range(2):
        with django_assert_num_queries(4):  # session, user, number of sources, sources
            client.get(reverse("web:sources"))
        SourceFactory.create_batch(20, organization=admin.organization)


def test_a_source_shows_scores_in_words_with_their_history(admin: User) -> None:
    ada = UserFactory.create(organization=admin.organization, name="Ada")
    source = SourceFactory.create(organization=admin.organization, name="Checkout", metadata={"tier": "gold"})
    quality = LabelFactory.create(organization=admin.organization, name="Quality")
    score = ScoreFactory.create(source=source, label=quality, annotator=ada, notes="clear", updated_by=admin)
    ScoreRevision.objects.create(
        organization=admin.organization,
        score=score,
        value={"rating": 2},
        score_source="human",
        notes="too fast",
        replaced_by=admin,
    )
    text = text_of(log_in(admin).get(page_of(source)))
    for words in ("Checkout", "Quality", "4 of 5", "clear", "2 of 5", "too fast", "1 earlier value", "Ada", '"tier"'):
        assert words in text
    assert f"changed by {admin.name}" in text


def test_a_member_sees_own_scores_notes_and_queues_only(admin: User) -> None:
    ada, bob = member_of(admin), member_of(admin)
    source = SourceFactory.create(organization=admin.organization)
    for person, words in ((ada, "mine"), (bob, "of another")):
        ScoreFactory.create(source=source, annotator=person, notes=f"score {words}")
        add_notes(person, [(source.pk, f"note {words}")])
        queue = QueueFactory.create(created_by=admin, name=f"queue {words}")
        QueueMemberFactory.create(queue=queue, user=person)
        ItemFactory.create(queue=queue, source=source)
    text = text_of(log_in(ada).get(page_of(source)))
    assert all(f"{noun} mine" in text for noun in ("score", "note", "queue"))
    assert "of another" not in text
    assert text_of(log_in(admin).get(page_of(source))).count("of another") == 3


def test_a_source_page_costs_the_same_statements_for_each_number(admin: User, django_assert_num_queries: Any) -> None:
    source = SourceFactory.create(organization=admin.organization)
    client = log_in(admin)

    def add_scores(number: int) -> None:
        for _ in range(number):
            score = ScoreFactory.create(source=source)
            keep = {"organization": admin.organization, "score": score, "value": score.value, "score_source": "human"}
            ScoreRevision.objects.create(**keep, replaced_by=admin)

    add_scores(1)
    with django_assert_num_queries(8):  # session, user, source, number of scores, scores, history, notes, queues
        client.get(page_of(source))
    add_scores(9)
    with django_assert_num_queries(8):
        client.get(page_of(source))


def test_words_of_people_are_never_markup(admin: User) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    source = SourceFactory.create(organization=admin.organization, name=attack, metadata={attack: attack})
    label = LabelFactory.create(organization=admin.organization, name=attack, type="text")
    ScoreFactory.create(source=source, label=label, value={"text": attack}, notes=attack)
    add_notes(admin, [(source.pk, attack)])
    client = log_in(admin)
    for path in (page_of(source), reverse("web:sources")):
        html = client.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html


def test_a_source_without_scores_says_so(admin: User) -> None:
    source = SourceFactory.create(organization=admin.organization)
    assert "No scores yet" in text_of(log_in(admin).get(page_of(source)))
    assert "No scores of yours yet" in text_of(log_in(member_of(admin)).get(page_of(source)))
    assert "No sources yet" in text_of(log_in(UserFactory.create(role="admin")).get(reverse("web:sources")))
    assert not Score.objects.exists()


def test_the_source_of_another_organization_does_not_exist(admin: User) -> None:
    assert Client().get(page_of(SourceFactory.create())).status_code == 302
    assert log_in(admin).get(page_of(SourceFactory.create())).status_code == 404
