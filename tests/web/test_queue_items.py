"""The list of a queue's items: filter, assign, share, remove, release."""

import re
import uuid
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.queues.models import Assignment, Item, Queue, Slot
from modelhub.sources.models import Source
from modelhub.web import item_views
from tests.factories import AssignmentFactory, ScoreFactory, SlotFactory, UserFactory
from tests.web.pages import html_of, log_in
from tests.web.queue_team import Team, sentences

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return Team()


def post(team: Team, role: str = "manager", query: str = "", **fields: Any) -> Any:
    return log_in(getattr(team, role)).post(f"{team.path}items/{query}", fields)


def shown(team: Team, query: str = "") -> list[str]:
    page = html_of(log_in(team.manager).get(f"{team.path}items/{query}"))
    return re.findall(r'name="item" value="([^"]+)"', page)


def ids(items: list[Item]) -> list[str]:
    return [str(item.pk) for item in items]


def people_of(item: Item) -> set[Any]:
    return set(Assignment.objects.filter(item=item).values_list("user_id", flat=True))


def test_items_are_listed_in_order_on_pages(team: Team) -> None:
    items = team.add(60)
    assert shown(team) == ids(items[:50])
    assert shown(team, "?page=2") == ids(items[50:])
    assert shown(team, "?page=99") == ids(items[50:])
    assert shown(team, "?ordering=-order") == ids(items[::-1][:50])
    assert 'href="?ordering=-order&amp;page=2"' in html_of(log_in(team.admin).get(f"{team.path}items/?ordering=-order"))


def test_items_are_filtered_by_status_and_person(team: Team) -> None:
    free, taken, skipped = team.add(2) + team.add(1, status="skipped")
    AssignmentFactory.create(item=taken, user=team.annotator)
    Item.objects.filter(pk=taken.pk).update(is_assigned=True)
    assert shown(team, "?status=skipped") == ids([skipped])
    assert shown(team, f"?assigned_to={team.annotator.pk}") == ids([taken])
    assert shown(team, "?assigned_to=nobody") == ids([free, skipped])
    assert log_in(team.manager).get(f"{team.path}items/?status=nonsense").status_code == 400
    assert "No item matches" in html_of(log_in(team.manager).get(f"{team.path}items/?status=completed"))


def test_each_status_has_a_filter(team: Team) -> None:
    states = {
        "pending": ("pending", ""),
        "in_progress": ("in_progress", ""),
        "in_review": ("in_progress", "pending_review"),
        "returned": ("in_progress", "rejected"),
        "completed": ("completed", "approved"),
        "skipped": ("skipped", ""),
    }
    items = {word: team.add(1, status=status, review_status=review)[0] for word, (status, review) in states.items()}
    assert {word: shown(team, f"?status={word}") for word in states} == {
        word: [str(item.pk)] for word, item in items.items()
    }
    SlotFactory.create(item=items["returned"], user=team.annotator, state="skipped")
    SlotFactory.create(item=items["completed"], user=team.annotator, state="skipped")
    assert shown(team, "?status=some_skipped") == [str(items["returned"].pk)]
    assert 'completed">completed' in html_of(log_in(team.manager).get(f"{team.path}items/"))


def test_items_are_found_by_name_and_id_of_their_source(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    refund, other, third = team.add(3)
    Source.objects.filter(pk=refund.source_id).update(name="Refund 100%_a")
    Source.objects.filter(pk=other.source_id).update(source_id="ticket-7")
    assert shown(team, "?search=refund") == ids([refund])
    assert shown(team, "?search=%25_") == ids([refund])
    assert shown(team, "?search=ICKET-7") == ids([other])
    assert shown(team, "?search=refund&status=completed") == []
    assert "No item matches" in html_of(log_in(team.manager).get(f"{team.path}items/?search=lost"))
    monkeypatch.setattr(item_views, "MOST_FOUND", 2)
    Source.objects.update(name="Same")
    page = html_of(log_in(team.manager).get(f"{team.path}items/?search=same"))
    assert "The first 2 matches" in page
    assert str(third.pk) not in page


def test_a_row_shows_answers_skips_and_links(team: Team) -> None:
    [item] = team.add()
    people = [team.join("annotator", name=name) for name in ("Ann", "Ben", "Cem", "Dan", "Eve")]
    for person in people[:4]:
        SlotFactory.create(item=item, user=person)
    SlotFactory.create(item=item, user=people[4], state="skipped", skip_reason="In <b>Welsh</b>")
    judge = team.join("reviewer", name="Judge")
    ScoreFactory.create(source=item.source, queue_item=item.pk, queue_id=team.queue.pk, annotator=judge)
    page = html_of(log_in(team.manager).get(f"{team.path}items/"))
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    assert re.findall(r"<bdi>(Ann|Ben|Cem|Dan|Judge)</bdi>", row) == ["Ann", "Ben", "Cem"]
    assert "and 2 more" in row
    assert '<bdi>Eve</bdi>: <span dir="auto">In &lt;b&gt;Welsh' in row
    assert f'href="/sources/{item.source_id}/"' in row
    assert f'href="{team.path}review/{item.pk}/"' in row


def test_a_skipped_item_is_given_back(team: Team) -> None:
    first, second, open_ = team.add(2, status="skipped") + team.add()
    for item in (first, second):
        SlotFactory.create(item=item, user=team.annotator, state="skipped")
    page = html_of(log_in(team.manager).get(f"{team.path}items/?status=skipped"))
    assert f'name="give_back" value="{first.pk}"' in page
    assert f'name="give_back" value="{open_.pk}"' not in page
    assert sentences(post(team, give_back=str(first.pk))) == ["1 item given back to the annotators."]
    assert [Item.objects.get(pk=item.pk).status for item in (first, second)] == ["pending", "skipped"]
    done = post(team, action="give_back", item=ids([first, second, open_]), query="?status=skipped")
    assert sentences(done)[-1] == "1 item given back to the annotators."
    assert sentences(post(team, give_back=str(first.pk)))[-1] == "No selected item can be given back."
    assert set(Item.objects.values_list("status", flat=True)) == {"pending"}
    assert not Slot.objects.exists()


def test_statements_of_the_list_do_not_grow_with_items_and_members(team: Team) -> None:
    client = log_in(team.manager)
    team.add(2)
    client.get(f"{team.path}items/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"{team.path}items/")
    for item in team.add(30):
        person = team.join("annotator")
        AssignmentFactory.create(item=item, user=person)
        SlotFactory.create(item=item, user=person, state="skipped")
        ScoreFactory.create(source=item.source, queue_item=item.pk, queue_id=team.queue.pk)
    with CaptureQueriesContext(connection) as many:
        client.get(f"{team.path}items/")
    assert len(many) == len(few) <= 9


def test_selected_items_are_shared_evenly(team: Team) -> None:
    others = [team.join("annotator") for _ in range(2)]
    items = team.add(6)
    people = [str(one.pk) for one in (team.annotator, *others)]
    AssignmentFactory.create(item=items[0], user=team.manager)
    answer = post(team, action="assign", way="share", item=ids(items), person=people, query="?status=pending")
    assert answer["Location"] == f"{team.path}items/?status=pending"
    assert sentences(answer) == ["6 items shared."]
    assert [len(people_of(item)) for item in items] == [1] * 6
    assert Counter(Assignment.objects.values_list("user_id", flat=True)) == dict.fromkeys(map(uuid.UUID, people), 2)
    assert Item.objects.filter(is_assigned=True).count() == 6


def test_shared_items_have_as_many_people_as_annotations(team: Team) -> None:
    Queue.objects.update(annotations_required=2)
    others = [team.join("annotator") for _ in range(2)]
    items = team.add(3)
    post(team, action="assign", way="share", item=ids(items), person=[one.pk for one in (team.annotator, *others)])
    assert [len(people_of(item)) for item in items] == [2, 2, 2]
    assert set(Counter(Assignment.objects.values_list("user_id", flat=True)).values()) == {2}


def test_the_first_items_without_people_are_shared(team: Team) -> None:
    other = team.join("annotator")
    taken, done, *free = team.add(1) + team.add(1, status="completed") + team.add(4)
    Item.objects.filter(pk=taken.pk).update(is_assigned=True)
    AssignmentFactory.create(item=taken, user=team.manager)
    answer = post(team, action="first", first="3", person=[team.annotator.pk, other.pk])
    assert sentences(answer) == ["3 items shared."]
    assert [people_of(item) for item in (taken, done, *free)] == [
        {team.manager.pk},
        set(),
        {team.annotator.pk},
        {other.pk},
        {team.annotator.pk},
        set(),
    ]
    post(team, action="first", first="5", person=[team.annotator.pk])
    again = post(team, action="first", first="5", person=[team.annotator.pk])
    assert sentences(again)[-1] == "Every open item has people already."


def test_selected_items_get_lose_and_change_people(team: Team) -> None:
    [item] = team.add()
    both = {team.annotator.pk, team.manager.pk}
    post(team, action="assign", way="add", item=str(item.pk), person=[*both])
    assert people_of(item) == both
    post(team, action="assign", way="remove", item=str(item.pk), person=[team.manager.pk])
    assert people_of(item) == {team.annotator.pk}
    post(team, action="assign", way="set", item=str(item.pk), person=[team.manager.pk])
    assert people_of(item) == {team.manager.pk}


@pytest.mark.parametrize("way", ["add", "set", "remove", "share"])
def test_only_items_of_the_queue_are_counted(team: Team, way: str) -> None:
    [item] = team.add()
    answer = post(team, action="assign", way=way, item=[item.pk, uuid.uuid4()], person=[team.annotator.pk])
    assert "1 item " in sentences(answer)[0]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "assign", "way": "add", "person": "x"}, "Select at least one item"),
        ({"action": "assign", "way": "add", "item": "x"}, "Select at least one person"),
        ({"action": "assign", "way": "add", "item": "x", "person": "ANNOTATOR"}, "item_ids must be"),
        (
            {"action": "assign", "way": "add", "item": "ITEM", "person": "REVIEWER"},
            "A selected person may not annotate in this queue any more.",
        ),
        (
            {"action": "assign", "way": "share", "item": "ITEM", "person": "FOREIGNER"},
            "A selected person may not annotate in this queue any more.",
        ),
        ({"action": "assign", "way": "magic", "item": "ITEM", "person": "ANNOTATOR"}, "action must be one of"),
        ({"action": "first", "person": "ANNOTATOR"}, "first must be given"),
        ({"action": "first", "first": "0", "person": "ANNOTATOR"}, "first must be a whole number from 1"),
        ({"action": "first", "first": "3"}, "Select at least one person"),
        ({"action": "remove"}, "Select at least one item"),
        ({"action": "give_back"}, "Select at least one item"),
        ({"give_back": "x"}, "item_ids must be"),
        ({"release": "x"}, "release must be the ids"),
        ({"release": f"{uuid.uuid4()} {uuid.uuid4()}"}, "The item was removed meanwhile."),
    ],
)
def test_an_unusable_form_shows_the_sentence_and_keeps_the_choice(
    team: Team, fields: dict[str, str], sentence: str
) -> None:
    [item] = team.add()
    words = {
        "ITEM": item.pk,
        **{role.upper(): getattr(team, role).pk for role in ("annotator", "reviewer", "foreigner")},
    }
    answer = post(team, **{name: str(words.get(value, value)) for name, value in fields.items()})
    assert answer.status_code == 400
    assert sentence in html_of(answer)
    if fields.get("person") == "ANNOTATOR":
        assert f'name="person" value="{team.annotator.pk}" checked' in html_of(answer)
    assert Assignment.objects.count() == 0


def test_items_are_removed_and_foreign_ones_are_not(team: Team) -> None:
    first, second = team.add(2)
    [foreign] = Team(Queue.objects.create(organization=team.queue.organization, created_by=team.admin, name="B")).add()
    answer = post(team, action="remove", item=ids([first, foreign]))
    assert sentences(answer) == ["1 item removed."]
    assert shown(team) == ids([second])
    assert Item.objects.get(pk=foreign.pk).deleted_at is None


def test_a_reservation_is_shown_and_released(team: Team) -> None:
    [item] = team.add()
    SlotFactory.create(item=item, user=team.annotator, state="reserved", seat=1)
    page = html_of(log_in(team.manager).get(f"{team.path}items/"))
    [value] = re.findall(r'name="release" value="([^"]+)"', page)
    assert value == f"{item.pk} {team.annotator.pk}"
    assert sentences(post(team, release=value)) == ["The reservation is released."]
    assert not Slot.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), ("foreigner", 404)])
@pytest.mark.parametrize("action", ["assign", "first", "remove", "release", "give_back"])
def test_only_managers_act_on_items(team: Team, action: str, role: str, status: int) -> None:
    [item] = team.add()
    other = team.join("annotator")
    slot = SlotFactory.create(item=item, user=other, state="reserved", seat=1)
    fields = {"item": str(item.pk), "person": str(team.annotator.pk), "first": "1", "way": "add"}
    act = {"release": f"{item.pk} {other.pk}"} if action == "release" else {"action": action}
    assert post(team, role, **fields, **act).status_code == status
    assert Assignment.objects.count() == 0
    assert Item.objects.get().deleted_at is None
    assert Slot.objects.filter(pk=slot.pk).exists()


def test_inactive_members_are_not_offered(team: Team) -> None:
    team.add()
    gone = team.join("annotator", is_active=False, name="Gone away")
    page = html_of(log_in(team.manager).get(f"{team.path}items/"))
    assert str(gone.pk) not in page
    assert "Gone away" not in page
    assert UserFactory.create(organization=team.queue.organization).email not in page
