"""Create, list, get, update, delete and restore queues."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from modelhub.datasets.models import Dataset
from modelhub.labels.models import Label
from modelhub.queues.models import Assignment, Item, Queue, QueueLabel, QueueMember, Review, Slot
from tests.client import Caller
from tests.factories import (
    ApiKeyFactory,
    ItemFactory,
    ProjectFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

QUEUES = "/model-hub/annotation-queues/"


def create(caller: Caller, **fields: object) -> Any:
    answer = caller.post(QUEUES, {"name": "Refunds"} | fields)
    assert answer.status == 201, answer.body
    return answer.body


class TestCreating:
    def test_a_name_suffices(self, bob: Caller) -> None:
        made = create(bob)

        queue, member = Queue.objects.get(), QueueMember.objects.get()
        moment = queue.created_at.isoformat().replace("+00:00", "Z")
        roles = ["manager", "reviewer", "annotator"]
        assert made == {
            "id": str(queue.pk),
            "name": "Refunds",
            "description": "",
            "instructions": "",
            "status": "draft",
            "assignment_strategy": "manual",
            "auto_assign": False,
            "annotations_required": 1,
            "reservation_timeout_minutes": 30,
            "reservation_timeout_seconds": 1800,
            "requires_review": False,
            "blind": True,
            "is_default": False,
            "organization": str(bob.user.organization_id),
            "project": None,
            "dataset": None,
            "agent_definition": None,
            "labels": [],
            "annotators": [
                {
                    "id": str(member.pk),
                    "user_id": str(bob.user.pk),
                    "name": "Bob",
                    "email": "bob@example.com",
                    "role": "manager",
                    "roles": roles,
                }
            ],
            "created_by": str(bob.user.pk),
            "created_by_name": "Bob",
            "created_at": moment,
            "updated_at": queue.updated_at.isoformat().replace("+00:00", "Z"),
            "archived": False,
            **dict.fromkeys(
                ("item_count", "pending_count", "in_progress_count", "in_review_count", "completed_count"), 0
            ),
            "skipped_count": 0,
            "viewer_role": "manager",
            "viewer_roles": roles,
        }
        assert bob.get(f"{QUEUES}{queue.pk}/").body == made

    def test_every_setting_is_stored(self, alice: Caller, bob: Caller, labels: dict[str, Label]) -> None:
        organization = alice.user.organization
        dataset = Dataset.objects.create(organization=organization, name="Rows")
        settings = {
            "description": "d",
            "instructions": "i ",
            "status": "active",
            "assignment_strategy": "round_robin",
            "auto_assign": True,
            "annotations_required": 3,
            "reservation_timeout_seconds": 90,
            "requires_review": True,
            "blind": False,
            "project": str(ProjectFactory.create(organization=organization).pk),
            "dataset": str(dataset.pk),
            "agent_definition": str(uuid.uuid4()),
        }
        ids = [str(labels[kind].pk) for kind in ("text", "star")]
        made = create(alice, **settings, label_ids=ids, annotator_ids=[str(bob.user.pk)])

        assert {name: made[name] for name in settings} == settings
        assert made["reservation_timeout_minutes"] == 2
        assert [(label["label_id"], label["order"], label["required"]) for label in made["labels"]] == [
            (ids[0], 0, False),
            (ids[1], 1, False),
        ]
        assert [(one["email"], one["role"]) for one in made["annotators"]] == [
            ("alice@example.com", "manager"),
            ("bob@example.com", "annotator"),
        ]

    @pytest.mark.parametrize("names", [("{}_id",), ("{}Id",), ("{}", "{}_id")])
    @pytest.mark.parametrize("scope", ["project", "dataset", "agent_definition"])
    def test_scopes_have_two_names(self, alice: Caller, scope: str, names: tuple[str, ...]) -> None:
        organization = alice.user.organization
        ids = {
            "project": ProjectFactory.create(organization=organization).pk,
            "dataset": Dataset.objects.create(organization=organization, name="Rows").pk,
            "agent_definition": uuid.uuid4(),
        }
        camel = {"agent_definition": "agentDefinition"}.get(scope, scope)
        fields = {name.format(camel if "Id" in name else scope): str(ids[scope]) for name in names}
        assert create(alice, **fields)[scope] == str(ids[scope])

    @pytest.mark.parametrize(
        ("change", "field", "sentence"),
        [
            ({"name": ""}, "name", 'name must be a string of 1 to 255 visible characters, got ""'),
            ({"name": None}, "name", "name must be a string of 1 to 255 visible characters, got null"),
            ({"name": "\u200b"}, "name", "name must be a string of 1 to 255 visible characters"),
            ({"status": "completed"}, "status", "status must be one of draft, active, paused, got"),
            ({"assignment_strategy": "random"}, "assignment_strategy", "assignment_strategy must be one of manual"),
            ({"annotations_required": 0}, "annotations_required", "annotations_required must be a whole number from 1"),
            ({"annotations_required": 101}, "annotations_required", "annotations_required must be a whole number"),
            ({"annotations_required": True}, "annotations_required", "annotations_required must be a whole number"),
            ({"annotations_required": 1.5}, "annotations_required", "annotations_required must be a whole number"),
            ({"annotations_required": "2"}, "annotations_required", "annotations_required must be a whole number"),
            ({"annotations_required": 10**400}, "annotations_required", "annotations_required must be a whole number"),
            (
                {"reservation_timeout_minutes": 0},
                "reservation_timeout_minutes",
                "reservation_timeout_minutes must be a whole number from 1 to 43200, got 0",
            ),
            ({"reservation_timeout_seconds": 2592001}, "reservation_timeout_seconds", "reservation_timeout_seconds"),
            (
                {"reservation_timeout_seconds": 90, "reservation_timeout_minutes": 1},
                "reservation_timeout_seconds",
                "reservation_timeout_seconds and reservation_timeout_minutes are both given and differ",
            ),
            ({"project": str(uuid.uuid4())}, "project", "project must be the id of a project, got"),
            ({"dataset_id": str(uuid.uuid4())}, "dataset", "dataset must be the id of a dataset, got"),
            ({"project": None, "project_id": str(uuid.uuid4())}, "project", "project and project_id are both given"),
            ({"label_ids": "x"}, "label_ids", "label_ids must be a list of at most 1000 values, got"),
            ({"label_ids": ["x"]}, "label_ids", 'label_ids[0] must be the id of a label, got "x"'),
            ({"label_ids": [str(uuid.uuid4())]}, "label_ids", "label_ids[0] must be the id of a label, got"),
            ({"labels": [str(uuid.uuid4())]}, "labels", 'Unknown field "labels". Did you mean "label_ids"?'),
            ({"annotator_ids": [str(uuid.uuid4())]}, "annotator_ids", "annotator_ids[0] must be the id or email"),
            ({"annotator_emails": ["no@example.com"]}, "annotator_emails", "annotator_emails[0] must be the id or"),
            (
                {"annotator_roles": {"alice@example.com": "owner"}},
                "annotator_roles",
                'annotator_roles of "alice@example.com" must be one or more of manager, reviewer, annotator, got',
            ),
            (
                {"annotator_roles": {"bob@example.com": "reviewer"}},
                "annotator_roles",
                'annotator_roles must name members of the queue, got "bob@example.com"',
            ),
            ({"anotations_required": 2}, "anotations_required", 'Unknown field "anotations_required". Did you mean'),
            ({"description": "a\x00"}, "description", "description holds a NUL character"),
        ],
    )
    def test_an_unfit_field_is_a_400_with_a_sentence(
        self, alice: Caller, bob: Caller, change: dict[str, Any], field: str, sentence: str
    ) -> None:
        answer = alice.post(QUEUES, {"name": "Refunds"} | change)
        assert (answer.status, list(answer.body["errors"])) == (400, [field])
        assert answer.body["detail"].startswith(sentence)
        assert not Queue.objects.exists()

    def test_rows_of_another_organization_do_not_exist(self, alice: Caller, charlie: Caller) -> None:
        organization = charlie.user.organization
        dataset = Dataset.objects.create(organization=organization, name="Rows")
        theirs = {
            "project": str(ProjectFactory.create(organization=organization).pk),
            "dataset": str(dataset.pk),
            "label_ids": [str(QueueLabelFactory.create(queue__created_by=charlie.user).label_id)],
            "annotator_ids": [str(charlie.user.pk)],
            "annotator_emails": [charlie.user.email],
        }
        for name, value in theirs.items():
            assert alice.post(QUEUES, {"name": "Refunds", name: value}).status == 400, name

    def test_a_name_is_taken_once_per_scope(self, alice: Caller, charlie: Caller) -> None:
        project = str(ProjectFactory.create(organization=alice.user.organization).pk)
        create(alice, name="Café")
        again = alice.post(QUEUES, {"name": "CAFE\u0301"})
        assert (again.status, again.body["code"], list(again.body["errors"])) == (409, "duplicate", ["name"])
        create(alice, name="Café", project=project)
        assert alice.post(QUEUES, {"name": "Café", "project": project}).status == 409
        create(charlie, name="Café")

    def test_a_repeat_with_the_same_key_returns_the_first_answer(self, alice: Caller) -> None:
        first, again = (alice.post(QUEUES, {"name": "Refunds"}, headers={"Idempotency-Key": "once"}) for _ in range(2))
        assert (first.status, again.status, again.body) == (201, 201, first.body)
        assert Queue.objects.count() == 1


class TestListing:
    def test_the_newest_come_first_on_pages_with_counts(self, alice: Caller, charlie: Caller) -> None:
        QueueFactory.create(created_by=charlie.user)
        queues = QueueFactory.create_batch(25, created_by=alice.user)
        for status, review in (("pending", ""), ("in_progress", ""), ("in_progress", "pending_review")):
            ItemFactory.create(queue=queues[-1], status=status, review_status=review)
        ItemFactory.create(queue=queues[-1], deleted_at=queues[-1].created_at)
        ItemFactory.create(queue=queues[-2], status="skipped")
        ItemFactory.create_batch(2, queue=queues[-2], status="completed")

        page = alice.get(QUEUES + "?include_counts=true").body
        assert (page["count"], len(page["results"])) == (25, 20)
        assert [queue["id"] for queue in page["results"]] == [str(queue.pk) for queue in reversed(queues[5:])]
        names = ("item", "pending", "in_progress", "in_review", "completed", "skipped")
        counts = [[queue[f"{name}_count"] for name in names] for queue in page["results"][:3]]
        assert counts == [[3, 1, 1, 1, 0, 0], [3, 0, 0, 0, 2, 1], [0] * 6]
        assert len(alice.get(QUEUES + "?page=2&page_size=20").body["results"]) == 5
        assert len(alice.get(QUEUES + "?limit=3").body["results"]) == 3

    def test_exactly_the_searched_name_comes_first(self, alice: Caller) -> None:
        for name in ("Tone", "Tone of refunds", "My tone", "Other"):
            QueueFactory.create(created_by=alice.user, name=name)
        found = alice.get(QUEUES + "?search=TONE").body["results"]
        assert [queue["name"] for queue in found] == ["Tone", "My tone", "Tone of refunds"]
        assert alice.get(QUEUES + "?search=tone&page_size=1").body["results"][0]["name"] == "Tone"
        assert alice.get(QUEUES + "?search=").body["count"] == 4

    def test_the_status_is_a_filter(self, alice: Caller) -> None:
        QueueFactory.create(created_by=alice.user, status="paused")
        QueueFactory.create(created_by=alice.user)
        assert [queue["status"] for queue in alice.get(QUEUES + "?status=paused").body["results"]] == ["paused"]
        wrong = alice.get(QUEUES + "?status=open")
        assert (wrong.status, list(wrong.body["errors"])) == (400, ["status"])

    def test_deleted_queues_are_listed_on_request(self, alice: Caller) -> None:
        gone = create(alice)
        create(alice, name="Other")
        alice.delete(f"{QUEUES}{gone['id']}/")
        assert [queue["name"] for queue in alice.get(QUEUES).body["results"]] == ["Other"]
        archived = alice.get(QUEUES + "?archived=true").body["results"]
        assert [(queue["id"], queue["archived"]) for queue in archived] == [(gone["id"], True)]

    def test_more_queues_items_and_members_need_no_more_statements(self, alice: Caller) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert alice.get(QUEUES).status == 200
            return len(captured)

        alice.get(QUEUES)  # records the use of the key
        QueueFactory.create(created_by=alice.user)
        few = statements()
        for queue in QueueFactory.create_batch(5, created_by__organization=alice.user.organization):
            QueueMemberFactory.create_batch(3, queue=queue)
            QueueLabelFactory.create_batch(3, queue=queue)
            ItemFactory.create_batch(3, queue=queue)
        assert statements() == few


class TestWhoSeesAQueue:
    def test_every_reader_of_the_organization(self, alice: Caller, bob: Caller, charlie: Caller) -> None:
        path = f"{QUEUES}{create(alice)['id']}/"
        seen = bob.get(path)
        assert (seen.status, seen.body["viewer_role"], seen.body["viewer_roles"]) == (200, None, [])
        foreign = charlie.get(path)
        assert (foreign.status, foreign.body["code"]) == (404, "queue_not_found")

    def test_a_key_to_annotate_only_as_a_member(self, alice: Caller, bob: Caller) -> None:
        own, other = create(alice), create(alice, name="Other")
        key = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
        QueueMemberFactory.create(queue_id=own["id"], queue=Queue.objects.get(pk=own["id"]), user=bob.user)
        assert [queue["id"] for queue in key.get(QUEUES).body["results"]] == [own["id"]]
        seen = key.get(f"{QUEUES}{own['id']}/")
        assert (seen.status, seen.body["viewer_roles"]) == (200, ["annotator"])
        assert key.get(f"{QUEUES}{other['id']}/").status == 404
        assert key.post(QUEUES, {"name": "Third"}).status == 403


class TestUpdating:
    @pytest.mark.parametrize("number", [b"1e999999999", b"-1e999999999999", b"1e-999999999", b"NaN", b"Infinity"])
    def test_a_number_is_compared_before_it_is_converted(self, alice: Caller, number: bytes) -> None:
        """Its digits would fill the memory of the worker."""
        made = create(alice)
        answer = alice.request("PATCH", f"{QUEUES}{made['id']}/", raw=b'{"annotations_required": %b}' % number)
        assert answer.status == 400
        assert answer.body["detail"].startswith("annotations_required must be a whole number from 1 to 100, got")

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_only_the_given_fields_change(self, alice: Caller, method: str) -> None:
        made = create(alice, description="d", annotations_required=2, reservation_timeout_minutes=5)
        changes = {"name": "Tone", "instructions": "Read.", "blind": False, "reservation_timeout_minutes": 7}
        answer = alice.request(method, f"{QUEUES}{made['id']}/", changes)

        assert answer.status == 200
        assert answer.body["updated_at"] > made["updated_at"]
        expected = made | changes | {"reservation_timeout_seconds": 420, "updated_at": answer.body["updated_at"]}
        assert answer.body == expected
        assert alice.get(f"{QUEUES}{made['id']}/").body == expected

    def test_null_means_the_default(self, alice: Caller, labels: dict[str, Label], bob: Caller) -> None:
        made = create(
            alice,
            description="d",
            instructions="i",
            assignment_strategy="load_balanced",
            auto_assign=True,
            annotations_required=2,
            reservation_timeout_seconds=5,
            requires_review=True,
            blind=False,
            agent_definition=str(uuid.uuid4()),
            label_ids=[str(labels["star"].pk)],
            annotator_ids=[str(bob.user.pk)],
        )
        fields = (
            *("description", "instructions", "assignment_strategy", "auto_assign", "annotations_required"),
            *("reservation_timeout_minutes", "requires_review", "blind", "agent_definition", "label_ids"),
            "annotator_ids",
        )
        cleared = alice.patch(f"{QUEUES}{made['id']}/", dict.fromkeys(fields)).body
        plain = create(alice, name="Plain")
        differing = {name for name in plain if plain[name] != cleared[name]}
        assert differing == {"id", "name", "created_at", "updated_at", "annotators"}
        assert [one["email"] for one in cleared["annotators"]] == ["alice@example.com"]
        assert alice.patch(f"{QUEUES}{made['id']}/", {"name": None}).status == 400

    def test_a_queue_may_be_sent_back_as_it_was_read(self, alice: Caller, labels: dict[str, Label]) -> None:
        made = create(alice, reservation_timeout_seconds=90, label_ids=[str(labels["star"].pk)])
        answer = alice.put(f"{QUEUES}{made['id']}/", made)
        assert (answer.status, answer.body | {"updated_at": made["updated_at"]}) == (200, made)

    def test_labels_are_replaced_in_their_order(self, alice: Caller, labels: dict[str, Label]) -> None:
        star, text, numeric = (str(labels[kind].pk) for kind in ("star", "text", "numeric"))
        path = f"{QUEUES}{create(alice, label_ids=[star, text])['id']}/"
        alice.post(path + "add-label/", {"label_id": text, "required": True})
        answer = alice.patch(path, {"label_ids": [numeric, text, numeric]}).body
        assert [(one["label_id"], one["required"]) for one in answer["labels"]] == [(numeric, False), (text, True)]

    def test_the_status_is_not_changed_by_an_update(self, alice: Caller) -> None:
        path = f"{QUEUES}{create(alice)['id']}/"
        assert alice.patch(path, {"status": "draft"}).status == 200
        answer = alice.patch(path, {"status": "active", "name": "Other"})
        assert (answer.status, list(answer.body["errors"])) == (400, ["status"])
        assert alice.get(path).body["name"] == "Refunds"

    def test_a_taken_name_is_a_409(self, alice: Caller) -> None:
        create(alice, name="Tone")
        answer = alice.patch(f"{QUEUES}{create(alice)['id']}/", {"name": "TONE"})
        assert (answer.status, answer.body["code"]) == (409, "duplicate")


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("PATCH", "", {"name": "x"}),
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "update-status/", {"status": "active"}),
        ("POST", "add-label/", {"label_id": str(uuid.uuid4())}),
        ("POST", "remove-label/", {"label_id": str(uuid.uuid4())}),
        ("POST", "hard-delete/", {"force": True, "confirm_name": "Refunds"}),
    ],
)
def test_managers_and_admins_only_manage(
    alice: Caller, bob: Caller, charlie: Caller, method: str, route: str, body: Any
) -> None:
    member = UserFactory.create(organization=alice.user.organization)
    queue = QueueFactory.create(created_by=member, status="draft", name="Refunds")
    path = f"{QUEUES}{queue.pk}/{route}"
    membership = QueueMemberFactory.create(queue=queue, user=bob.user, roles=["reviewer", "annotator"])

    refused = bob.request(method, path, body)
    assert (refused.status, refused.body["code"]) == (403, "queue_role")
    sentence = (
        "bob@example.com is annotator and reviewer in the queue; this needs manager, or an admin of the organization"
    )
    assert refused.body["detail"] == f"{sentence}: bob@example.com has the role member."
    QueueMember.objects.filter(pk=membership.pk).delete()
    refused = bob.request(method, path, body)
    assert refused.body["detail"].startswith("bob@example.com is no member of the queue; this needs manager")
    membership.save(force_insert=True)
    assert charlie.request(method, path, body).status == 404
    membership.roles = ["manager"]
    membership.save()
    allowed = {200, 404} if "label" in route else {200}
    for manager in (bob, alice):
        with transaction.atomic():
            assert manager.request(method, path, body).status in allowed
            transaction.set_rollback(True)
        QueueMember.objects.all().delete()


@pytest.mark.parametrize("queue_id", ["x", "01990000-0000-7000-8000-000000000000", "%00"])
def test_an_unknown_queue_is_a_404(alice: Caller, queue_id: str) -> None:
    for method, route in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "restore/")):
        assert alice.request(method, f"{QUEUES}{queue_id}/{route}", {}).status == 404


class TestStatus:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            *(("draft", "active"), ("active", "paused"), ("active", "completed"), ("paused", "active")),
            *(("paused", "completed"), ("completed", "active"), ("completed", "paused")),
            *((word, word) for word in ("draft", "active", "paused", "completed")),
        ],
    )
    def test_legal_transitions(self, alice: Caller, before: str, after: str) -> None:
        queue = QueueFactory.create(created_by=alice.user, status=before)
        answer = alice.post(f"{QUEUES}{queue.pk}/update-status/", {"status": after})
        assert (answer.status, answer.body["status"]) == (200, after)
        queue.refresh_from_db()
        assert queue.status == after

    @pytest.mark.parametrize(
        ("before", "after"),
        [("draft", "paused"), ("draft", "completed"), *((word, "draft") for word in ("active", "paused", "completed"))],
    )
    def test_other_transitions_are_400s_that_name_the_legal_ones(self, alice: Caller, before: str, after: str) -> None:
        queue = QueueFactory.create(created_by=alice.user, status=before)
        answer = alice.post(f"{QUEUES}{queue.pk}/update-status/", {"status": after})
        legal = {
            "draft": "'active'",
            "active": "'paused' or 'completed'",
            "paused": "'active' or 'completed'",
            "completed": "'active' or 'paused'",
        }
        assert (answer.status, answer.body["code"]) == (400, "impossible_transition")
        assert answer.body["message"] == f"Cannot transition from '{before}' to '{after}', only to {legal[before]}."
        queue.refresh_from_db()
        assert queue.status == before

    def test_an_unknown_status_is_a_400(self, alice: Caller) -> None:
        queue = QueueFactory.create(created_by=alice.user)
        for body in ({}, {"status": "open"}, {"status": None}):
            assert alice.post(f"{QUEUES}{queue.pk}/update-status/", body).status == 400


class TestDeletingAndRestoring:
    def test_a_deleted_queue_is_gone_and_its_name_is_free(self, alice: Caller) -> None:
        made = create(alice)
        path = f"{QUEUES}{made['id']}/"
        assert alice.delete(path).body == {"deleted": True}
        assert alice.get(path).status == alice.delete(path).status == 404
        assert alice.post(path + "add-label/", {"label_id": str(uuid.uuid4())}).status == 404
        create(alice)

    def test_a_restored_queue_is_as_it_was(self, alice: Caller) -> None:
        made = create(alice, status="active")
        path = f"{QUEUES}{made['id']}/"
        assert alice.post(path + "restore/").status == 404
        alice.delete(path)
        answer = alice.post(path + "restore/")
        assert (answer.status, answer.body | {"updated_at": made["updated_at"]}) == (200, made)

    def test_a_name_that_is_taken_meanwhile_is_a_409(self, alice: Caller) -> None:
        path = f"{QUEUES}{create(alice)['id']}/"
        alice.delete(path)
        create(alice, name="REFUNDS")
        assert alice.post(path + "restore/").body["code"] == "duplicate"


class TestDeletingForGood:
    def test_the_rows_are_gone_and_the_scores_stay(self, alice: Caller, bob: Caller, labels: dict[str, Label]) -> None:
        made = create(alice, label_ids=[str(labels["star"].pk)], annotator_ids=[str(bob.user.pk)])
        queue = Queue.objects.get()
        slot = SlotFactory.create(item__queue=queue, user=bob.user, state="completed", seat=1)
        gone = ItemFactory.create(queue=queue, source=slot.item.source, deleted_at=queue.created_at)
        Assignment.objects.create(organization=queue.organization, queue=queue, item=slot.item, user=bob.user)
        Review.objects.create(organization=queue.organization, item=slot.item, reviewer=alice.user, action="approve")
        of_queue = {"source": slot.item.source, "label": labels["star"], "queue_id": queue.pk}
        kept = ScoreFactory.create(**of_queue, annotator=bob.user, queue_item=slot.item_id)
        twice = ScoreFactory.create(**of_queue, annotator=alice.user, queue_item=slot.item_id)
        deleted = ScoreFactory.create(**of_queue, annotator=bob.user, queue_item=gone.pk, deleted_at=queue.created_at)
        outside = ScoreFactory.create(source=slot.item.source, label=labels["star"], annotator=alice.user)
        other = QueueFactory.create(created_by=alice.user)
        others = ScoreFactory.create(
            source=slot.item.source,
            label=labels["star"],
            annotator=bob.user,
            queue_id=other.pk,
            queue_item=ItemFactory.create(queue=other, source=slot.item.source).pk,
        )

        path = f"{QUEUES}{made['id']}/hard-delete/"
        assert alice.post(path, {"force": True, "confirm_name": "Refunds"}).body == {"deleted": True}
        assert alice.get(f"{QUEUES}{made['id']}/").status == 404
        assert alice.post(path, {"force": True, "confirm_name": "Refunds"}).status == 404
        assert list(Queue.objects.all()) == [other]
        for model in (Slot, Assignment, Review, QueueLabel, QueueMember):
            assert not model.objects.exists(), model
        assert Item.objects.count() == 1
        for score in (kept, twice, deleted):
            before = score.updated_at
            score.refresh_from_db()
            assert (score.queue_item, score.queue_id) == (None, None)
            assert score.updated_at > before
        assert (kept.deleted_at, deleted.deleted_at) == (None, queue.created_at)
        assert twice.deleted_at is not None
        assert twice.revisions.get().action == "deleted"
        for score in (outside, others):
            before = score.updated_at
            score.refresh_from_db()
            assert (score.deleted_at, score.updated_at) == (None, before)
        assert others.queue_id == other.pk

    def test_a_deleted_queue_can_be_deleted_for_good(self, alice: Caller) -> None:
        path = f"{QUEUES}{create(alice)['id']}/"
        alice.delete(path)
        assert alice.post(path + "hard-delete/", {"force": True, "confirm_name": "Refunds"}).status == 200
        assert not Queue.objects.exists()

    def test_the_name_may_be_in_another_form(self, alice: Caller) -> None:
        made = create(alice, name="Cafe\u0301")
        path = f"{QUEUES}{made['id']}/hard-delete/"
        assert alice.post(path, {"force": True, "confirm_name": "Caf\u00e9"}).status == 200

    @pytest.mark.parametrize(
        ("body", "field", "sentence"),
        [
            ({}, "force", "force must be given, as true"),
            ({"force": False, "confirm_name": "Refunds"}, "force", "force must be true, got false"),
            ({"force": 1, "confirm_name": "Refunds"}, "force", "force must be true, got 1"),
            ({"force": True}, "confirm_name", "confirm_name must be given, as a string"),
            ({"force": True, "confirm_name": "refunds"}, "confirm_name", "confirm_name must be the name of the queue"),
        ],
    )
    def test_it_must_be_confirmed(self, alice: Caller, body: Any, field: str, sentence: str) -> None:
        answer = alice.post(f"{QUEUES}{create(alice)['id']}/hard-delete/", body)
        assert (answer.status, list(answer.body["errors"])) == (400, [field])
        assert answer.body["detail"].startswith(sentence)
        assert Queue.objects.exists()

    def test_items_need_no_more_statements(self, alice: Caller, labels: dict[str, Label]) -> None:
        counts = []
        for number in (1, 5):
            queue = Queue.objects.get(pk=create(alice)["id"])
            for slot in SlotFactory.create_batch(number, item__queue=queue, state="reserved"):
                outside = {"source": slot.item.source, "label": labels["star"], "annotator": slot.user}
                ScoreFactory.create(**outside)
                ScoreFactory.create(**outside, queue_item=slot.item_id, queue_id=queue.pk)
            body = {"force": True, "confirm_name": "Refunds"}
            with CaptureQueriesContext(connection) as captured:
                assert alice.post(f"{QUEUES}{queue.pk}/hard-delete/", body).status == 200
            counts.append(len(captured))
        assert counts[0] == counts[1]


class TestEffectsOfSettings:
    def test_fewer_required_annotations_complete_items_and_more_reopen_none(self, alice: Caller) -> None:
        queue = QueueFactory.create(created_by=alice.user, annotations_required=2)
        item = SlotFactory.create(item__queue=queue, state="completed", seat=1, item__status="in_progress").item
        path = f"{QUEUES}{queue.pk}/"
        assert alice.patch(path, {"annotations_required": 1}).body["status"] == "completed"
        item.refresh_from_db()
        assert item.status == "completed"
        answer = alice.patch(path, {"annotations_required": 3}).body
        assert (answer["status"], answer["completed_count"]) == ("completed", 1)

    @pytest.mark.parametrize("change", [{"assignment_strategy": "round_robin"}, {"auto_assign": True}])
    def test_an_automatic_strategy_assigns_the_unassigned_items(
        self, alice: Caller, bob: Caller, change: dict[str, Any]
    ) -> None:
        queue = QueueFactory.create(created_by=bob.user)
        people = QueueMemberFactory.create_batch(2, queue=queue)
        ItemFactory.create_batch(2, queue=queue)
        ItemFactory.create(queue=queue, status="completed")
        alice.patch(f"{QUEUES}{queue.pk}/", {"name": "Same"})
        assert not Assignment.objects.exists()
        alice.patch(f"{QUEUES}{queue.pk}/", change)
        assigned = list(Assignment.objects.values_list("user", flat=True))
        per_person = 2 if "auto_assign" in change else 1
        assert [assigned.count(one.user_id) for one in people] == [per_person, per_person]
