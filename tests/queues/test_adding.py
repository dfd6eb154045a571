"""Sources that become items of a queue, by a list and by a filter."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from modelhub.accounts.models import Organization
from modelhub.accounts.people import Actor
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.queues.adding import ItemEntry, add_listed_items
from modelhub.queues.models import Assignment, Item, Queue
from modelhub.sources.models import Source
from modelhub.sources.refs import check_source_ref
from tests.client import Answer, Caller
from tests.factories import (
    LabelFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SourceFactory,
    UserFactory,
)


@pytest.fixture
def queue(alice: Caller) -> Queue:
    queue = QueueFactory.create(created_by=alice.user)
    QueueMemberFactory.create(queue=queue, user=alice.user, roles=["manager"])
    return queue


def path_of(queue: Queue, action: str = "") -> str:
    return f"/model-hub/annotation-queues/{queue.pk}/items/{action}"


def add(caller: Caller, queue: Queue, *items: Any) -> Answer:
    return caller.post(path_of(queue, "add-items/"), {"items": list(items)})


def select(caller: Caller, queue: Queue, **conditions: Any) -> Answer:
    return caller.post(path_of(queue, "add-items/"), {"filter": conditions})


def named(source: Source, **more: Any) -> dict[str, Any]:
    return {"source_type": source.source_type, "source_id": source.source_id, **more}


def sources_in(queue: Queue) -> list[Source]:
    """Return the sources of the live items in their order."""
    items = Item.objects.filter(queue=queue, deleted_at=None).order_by("order")
    assert [item.order for item in items] == list(range(1, len(items) + 1))
    return [item.source for item in items]


def test_a_list_is_added_in_its_order(alice: Caller, queue: Queue) -> None:
    sources = SourceFactory.create_batch(5, organization=queue.organization)
    answer = add(alice, queue, *map(named, reversed(sources[:3])))
    assert answer.status == 200
    assert answer.body == {"added": 3, "duplicates": 0, "errors": [], "queue_status": "active"}
    assert add(alice, queue, *map(named, sources)).body["added"] == 2
    assert sources_in(queue) == [*reversed(sources[:3]), *sources[3:]]


def test_repetitions_are_duplicates_in_the_request_and_in_the_queue(alice: Caller, queue: Queue) -> None:
    span = SourceFactory.create(organization=queue.organization, source_type="span")
    alias = {"sourceType": "observation_span", "sourceId": span.source_id.upper()}
    answer = add(alice, queue, named(span, priority=3), alias)
    assert answer.body == {"added": 1, "duplicates": 1, "errors": [], "queue_status": "active"}
    assert add(alice, queue, named(span, priority=4)).body["duplicates"] == 1
    assert [item.priority for item in Item.objects.all()] == [3]


def test_a_wrong_entry_is_an_error_and_the_others_are_added(
    alice: Caller, charlie: Caller, queue: Queue, trace: Source
) -> None:
    foreign = SourceFactory.create(organization=charlie.user.organization)
    answer = add(
        alice,
        queue,
        {"source_type": "trace", "source_id": "unknown"},
        named(foreign),
        {"source_type": "planet", "source_id": 5},
        7,
        named(trace, priority="high"),
        named(trace, prioritty=1),
        named(trace),
    )
    assert answer.status == 200
    assert answer.body["added"] == 1
    register = "Register it with POST /model-hub/sources/ first."
    words = "trace, span, observation_span, generation, session, trace_session, dataset_row, call_execution"
    assert answer.body["errors"] == [
        {
            "source_type": "trace",
            "source_id": "unknown",
            "error": f"items[0]: Source not found: trace unknown. {register}",
        },
        named(foreign, error=f"items[1]: Source not found: trace {foreign.source_id}. {register}"),
        {
            "source_type": "planet",
            "source_id": "5",
            "error": f'items[2]: source_type must be one of {words}, prototype_run, got "planet"; '
            "source_id must be a string of 1 to 255 visible characters, got 5",
        },
        {"source_type": None, "source_id": None, "error": "items[3] must be an object, got 7"},
        named(trace, error='items[4]: priority must be a whole number from -1000000 to 1000000, got "high"'),
        named(trace, error='items[5]: Unknown field "prioritty". Did you mean "priority"?'),
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Exactly one of items and filter must be given, got neither"),
        ({"items": []}, "items must be a list of at least one item, got []"),
        ({"items": "all"}, 'items must be a list of at least one item, got "all"'),
        ({"items": [1], "filter": {"limit": 1}}, "Exactly one of items and filter must be given, got items and filter"),
        ({"filter": []}, "filter must be an object, got []"),
        ({"filter": {}}, "filter must have at least one of source_type, registered_after, registered_before, "),
        ({"selection": {"limit": 0}}, "limit must be a whole number from 1 to 100000, got 0"),
        ({"filter": {"limit": True}}, "limit must be a whole number from 1 to 100000, got true"),
        ({"filter": {"source_type": "planet"}}, "source_type must be one of trace, span, "),
        ({"filter": {"registered_after": "soon"}}, "registered_after must be a date, or a time with its seconds"),
        ({"filter": {"registeredBefore": 7}}, "registered_before must be a date, or a time with its seconds"),
        ({"filter": {"label_id": "star"}}, 'label_id must be the id of a label, got "star"'),
        ({"filter": {"scored": True}}, "label_id must be given with scored"),
        ({"filter": {"metadata": {"tags": ["a"]}}}, "metadata must be an object of strings, numbers, booleans or "),
        ({"filter": {"metadata": {"a": "\x00"}}}, "metadata holds a NUL character, which cannot be stored"),
        ({"filter": {"limt": 5}}, 'Unknown field "limt". Did you mean "limit"?'),
    ],
)
def test_a_body_that_cannot_be_understood_adds_nothing(
    alice: Caller, queue: Queue, trace: Source, body: Any, sentence: str
) -> None:
    answer = alice.post(path_of(queue, "add-items/"), body)
    assert answer.status == 400
    assert answer.body["detail"].startswith(sentence)
    assert not Item.objects.exists()


def test_an_error_shows_a_source_that_utf_8_cannot_hold(alice: Caller, queue: Queue) -> None:
    answer = alice.request("POST", path_of(queue, "add-items/"), raw=rb'{"items": [{"source_id": "\ud800"}]}')
    assert answer.status == 200
    assert answer.body["errors"][0]["source_id"] == "\ud800"


def test_a_list_has_at_most_1000_items(alice: Caller, queue: Queue, trace: Source) -> None:
    answer = add(alice, queue, *[named(trace)] * 1001)
    assert (answer.status, answer.body["code"]) == (413, "items_too_large")
    assert add(alice, queue, *[named(trace)] * 1000).body["duplicates"] == 999


def test_unknown_sources_are_registered_if_the_settings_allow_it(alice: Caller, queue: Queue, settings: Any) -> None:
    settings.AUTO_CREATE_SOURCES = True
    new = {"source_type": "trace", "source_id": str(uuid.uuid4())}
    known = SourceFactory.create(organization=queue.organization)
    changed = known.updated_at
    answer = add(alice, queue, new, named(known), new | {"source_id": new["source_id"].upper()})
    assert answer.body == {"added": 2, "duplicates": 1, "errors": [], "queue_status": "active"}
    assert [source.source_id for source in sources_in(queue)] == [new["source_id"], known.source_id]
    known.refresh_from_db()
    assert known.updated_at == changed


def test_expected_values_are_stored_by_label_id_and_make_an_item_gold(alice: Caller, queue: Queue) -> None:
    star = LabelFactory.create(organization=queue.organization, name="Quality")
    tone = LabelFactory.create(organization=queue.organization, name="Tone", type="categorical")
    for label in (star, tone):
        QueueLabelFactory.create(queue=queue, label=label)
    plain, gold, both, named_gold = SourceFactory.create_batch(4, organization=queue.organization)
    answer = add(
        alice,
        queue,
        named(plain),
        named(gold, expected={"qualitY": 4}),
        named(both, gold=False, expected={str(star.pk): {"rating": 2}, "Tone": "positive"}),
        named(named_gold, gold=True),
    )
    assert answer.body["added"] == 4
    expected = {item.source: (item.gold, item.expected) for item in Item.objects.select_related("source")}
    assert expected == {
        plain: (False, {}),
        gold: (True, {str(star.pk): {"rating": 4}}),
        both: (False, {str(star.pk): {"rating": 2}, str(tone.pk): {"selected": ["positive"]}}),
        named_gold: (True, {}),
    }


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ({"Quality": 6}, "(Quality, star): rating must be a whole number from 1 to 5, got 6"),
        ({"Quality": None}, "(Quality, star): "),
        ({"Other": 1}, 'expected must have ids or names of labels of the queue as keys, got "Other"'),
        ({"Twice": 1}, ", which 2 labels of the queue have: name one by its id"),
        ({"Quality": 1, "quality": 1}, "expected must name each label once"),
        ({"Detached": 1}, 'got "Detached"'),
        ([1], "expected must be an object, got [1]"),
    ],
)
def test_unfit_expected_values_are_an_error_of_their_entry(
    alice: Caller, queue: Queue, trace: Source, expected: Any, sentence: str
) -> None:
    LabelFactory.create(organization=queue.organization, name="Detached")
    for name, type_ in (("Quality", "star"), ("Twice", "star"), ("Twice", "text")):
        label = LabelFactory.create(organization=queue.organization, name=name, type=type_)
        QueueLabelFactory.create(queue=queue, label=label)
    [error] = add(alice, queue, named(trace, expected=expected)).body["errors"]
    assert error["error"].startswith("items[0]: expected")
    assert sentence in error["error"]
    assert not Item.objects.exists()


@pytest.mark.parametrize("status", ["draft", "paused", "active", "completed"])
def test_a_completed_queue_is_active_again_after_an_addition(
    alice: Caller, queue: Queue, trace: Source, status: str
) -> None:
    Queue.objects.filter(pk=queue.pk).update(status=status)
    assert add(alice, queue, {"source_type": "trace", "source_id": "unknown"}).body["queue_status"] == status
    then = "active" if status == "completed" else status
    assert add(alice, queue, named(trace)).body["queue_status"] == then
    queue.refresh_from_db()
    assert queue.status == then


def test_a_removed_item_that_is_added_again_is_a_new_item(alice: Caller, queue: Queue, trace: Source) -> None:
    other = SourceFactory.create(organization=queue.organization)
    add(alice, queue, named(trace), named(other))
    first = Item.objects.get(source=trace)
    alice.delete(path_of(queue, f"{first.pk}/"))
    assert add(alice, queue, named(trace)).body["added"] == 1
    again = Item.objects.get(source=trace, deleted_at=None)
    assert (again.order, again.pk != first.pk) == (3, True)


def test_only_managers_add_items(alice: Caller, bob: Caller, charlie: Caller, queue: Queue, trace: Source) -> None:
    assert add(bob, queue, named(trace)).body["code"] == "queue_role"
    QueueMemberFactory.create(queue=queue, user=bob.user, roles=["annotator", "reviewer"])
    assert add(bob, queue, named(trace)).status == 403
    queue.members.filter(user=bob.user).update(roles=["manager"])
    assert add(bob, queue, named(trace)).status == 200
    assert add(charlie, queue, named(trace)).body["code"] == "queue_not_found"
    Queue.objects.filter(pk=queue.pk).update(deleted_at=clock.now())
    assert select(alice, queue, limit=1).status == 404


def test_new_items_are_assigned_by_the_strategy(alice: Caller, queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk).update(assignment_strategy="round_robin")
    users = [QueueMemberFactory.create(queue=queue).user for _ in range(2)]
    sources = SourceFactory.create_batch(3, organization=queue.organization)
    add(alice, queue, *map(named, sources[:1]))
    select(alice, queue, limit=5)
    assigned = Assignment.objects.order_by("item__order").values_list("item__source", "user")
    assert [*map(tuple, assigned)] == [(source.pk, users[at % 2].pk) for at, source in enumerate(sources)]
    assert all(Item.objects.values_list("is_assigned", flat=True))


class TestFilter:
    """Sources of the organization, each an hour younger than the one before."""

    @pytest.fixture
    def sources(self, organization: Organization) -> list[Source]:
        start = clock.now() - timedelta(hours=10)
        kinds = ("trace", "span", "trace", "session", "trace")
        return [
            SourceFactory.create(
                organization=organization,
                source_type=kind,
                created_at=start + timedelta(hours=at),
                metadata={"model": f"small-{at % 2}", "at": at, "tags": ["small-0"], "0": True},
            )
            for at, kind in enumerate(kinds)
        ]

    def test_the_oldest_sources_come_first(self, alice: Caller, queue: Queue, sources: list[Source]) -> None:
        assert select(alice, queue, limit=2).body == {
            "added": 2,
            "duplicates": 0,
            "errors": [],
            "queue_status": "active",
        }
        assert sources_in(queue) == sources[:2]
        assert select(alice, queue, limit=2).body["duplicates"] == 2
        assert sources_in(queue) == sources[:4]

    def test_the_type_may_be_an_alias(self, alice: Caller, queue: Queue, sources: list[Source]) -> None:
        select(alice, queue, source_type="observation_span")
        assert sources_in(queue) == [sources[1]]

    def test_a_window_of_registration_is_half_open(self, alice: Caller, queue: Queue, sources: list[Source]) -> None:
        window = [source.created_at.isoformat() for source in (sources[1], sources[3])]
        body = {"selection": {"registeredAfter": window[0], "registeredBefore": window[1]}}
        assert alice.post(path_of(queue, "add-items/"), body).body["added"] == 2
        assert sources_in(queue) == sources[1:3]

    @pytest.mark.parametrize(
        ("metadata", "fitting"),
        [
            ({"model": "small-0"}, [0, 2, 4]),
            ({"model": "small-0", "at": 2}, [2]),
            ({"at": 2.0}, [2]),
            ({"at": "2"}, []),
            ({"tags": "small-0"}, []),
            ({"0": True}, [0, 1, 2, 3, 4]),
            ({"model__x": "small-0"}, []),
            ({"missing": None}, []),
        ],
    )
    def test_metadata_must_have_the_values(
        self, alice: Caller, queue: Queue, sources: list[Source], metadata: dict[str, Any], fitting: list[int]
    ) -> None:
        select(alice, queue, metadata=metadata)
        assert sources_in(queue) == [sources[at] for at in fitting]

    @pytest.mark.parametrize(("conditions", "fitting"), [({"scored": False}, [0, 2, 3, 4]), ({}, [1])])
    def test_sources_with_or_without_a_score_of_a_label(
        self,
        alice: Caller,
        queue: Queue,
        sources: list[Source],
        labels: dict[str, Label],
        conditions: dict[str, Any],
        fitting: list[int],
    ) -> None:
        ScoreFactory.create(source=sources[1], label=labels["star"])
        ScoreFactory.create(source=sources[2], label=labels["star"], deleted_at=clock.now())
        ScoreFactory.create(source=sources[3], label=labels["text"], value={"text": "x"})
        select(alice, queue, label_id=str(labels["star"].pk), **conditions)
        assert sources_in(queue) == [sources[at] for at in fitting]

    def test_a_label_of_another_organization_does_not_exist(
        self, alice: Caller, charlie: Caller, queue: Queue, sources: list[Source]
    ) -> None:
        label = LabelFactory.create(organization=charlie.user.organization)
        answer = select(alice, queue, label_id=str(label.pk))
        assert (answer.status, answer.body["code"]) == (404, "label_not_found")

    def test_sources_of_other_organizations_are_not_added(
        self, alice: Caller, queue: Queue, sources: list[Source]
    ) -> None:
        SourceFactory.create()
        assert select(alice, queue, registered_after="2020-01-01").body["added"] == 5

    def test_more_than_the_limit_is_an_error_and_adds_nothing(
        self, alice: Caller, queue: Queue, sources: list[Source], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("modelhub.queues.adding.MAX_FILTERED", 4)
        answer = select(alice, queue, registered_after="2020-01-01")
        assert (answer.status, answer.body["code"]) == (413, "items_too_large")
        assert not Item.objects.exists()
        assert select(alice, queue, limit=4).body["added"] == 4
        assert select(alice, queue, registered_after="2020-01-01").body["added"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("strategy", ["round_robin", "load_balanced"])
def test_additions_at_the_same_time_number_and_assign_items_as_if_one_after_the_other(
    organization: Organization, alice: Caller, strategy: str
) -> None:
    queue = QueueFactory.create(created_by=alice.user, assignment_strategy=strategy)
    people = [
        QueueMemberFactory.create(queue=queue, user=UserFactory.create(organization=organization)) for _ in range(3)
    ]
    sources = SourceFactory.create_batch(30, organization=organization)
    start, outcomes = threading.Barrier(4), []

    def act(at: int) -> None:
        entries = [ItemEntry(check_source_ref("trace", source.source_id)) for source in sources[at * 5 : at * 5 + 15]]
        start.wait()
        try:
            outcomes.append(
                add_listed_items(
                    actor=Actor(alice.user, ["read", "write", "admin"]), queue_id=queue.pk, entries=entries
                )
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[at]) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(one.added for one in outcomes), sum(one.duplicates for one in outcomes)) == (30, 30)
    assert len(sources_in(queue)) == 30
    assert [Assignment.objects.filter(user=one.user).count() for one in people] == [10, 10, 10]
