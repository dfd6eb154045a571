"""Members of queues: their roles, and the work of people that leave."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from modelhub.core import clock
from modelhub.queues.models import Assignment, Item, Queue, QueueMember, Slot
from tests.client import Caller
from tests.factories import ApiKeyFactory, ItemFactory, QueueFactory, QueueMemberFactory, SlotFactory, UserFactory

pytestmark = pytest.mark.django_db

QUEUES = "/model-hub/annotation-queues/"


@pytest.fixture
def queue(alice: Caller) -> Queue:
    """Return a queue of Alice."""
    queue = QueueFactory.create(created_by=alice.user)
    QueueMemberFactory.create(queue=queue, user=alice.user, roles=["manager", "reviewer", "annotator"])
    return queue


def members_of(queue: Queue) -> str:
    return f"{QUEUES}{queue.pk}/members/"


def roles_by_name(caller: Caller, queue: Queue) -> dict[str, Any]:
    return {one["name"]: one["roles"] for one in caller.get(members_of(queue)).body["results"]}


def assign(item: Item, *users: Any) -> None:
    for user in users:
        Assignment.objects.create(organization=item.organization, queue=item.queue, item=item, user=user)
    Item.objects.filter(pk=item.pk).update(is_assigned=True)


class TestAdding:
    @pytest.mark.parametrize(
        "named",
        [
            lambda user: {"user_id": str(user.pk)},
            lambda user: {"annotator_id": str(user.pk)},
            lambda user: {"annotatorEmail": user.email.upper()},
            lambda user: {"email": user.email, "user_id": str(user.pk)},
        ],
    )
    def test_a_person_by_id_or_email_is_an_annotator(
        self, alice: Caller, bob: Caller, queue: Queue, named: Any
    ) -> None:
        answer = alice.post(members_of(queue), named(bob.user))
        member = QueueMember.objects.get(user=bob.user)
        assert (answer.status, answer.body) == (
            201,
            {
                "id": str(member.pk),
                "user_id": str(bob.user.pk),
                "name": "Bob",
                "email": "bob@example.com",
                "role": "annotator",
                "roles": ["annotator"],
            },
        )

    def test_a_repeat_replaces_the_roles_if_they_are_given(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        body = {"user_id": str(bob.user.pk)}
        assert alice.post(members_of(queue), body | {"roles": ["annotator", "reviewer"]}).body["role"] == "reviewer"
        again = alice.post(members_of(queue), body)
        assert (again.status, again.body["roles"]) == (200, ["reviewer", "annotator"])
        assert alice.post(members_of(queue), body | {"role": "manager"}).body["roles"] == ["manager"]
        assert QueueMember.objects.count() == 2

    @pytest.mark.parametrize(
        ("body", "field", "sentence"),
        [
            ({}, "user_id", "user_id must be given, as the id of a user"),
            ({"user_id": "x"}, "user_id", 'user_id must be the id of a user, got "x"'),
            ({"user_id": str(uuid.uuid4())}, "annotator_id", "annotator_id must be the id of an annotator"),
            ({"email": "nobody@example.com"}, "annotator_email", "annotator_email must be the email of an annotator"),
            (
                {"email": "bob@example.com", "roles": []},
                "roles",
                "roles must be one or more of manager, reviewer, annotator, got []",
            ),
            ({"email": "bob@example.com", "role": "owner"}, "role", "role must be one or more of manager"),
            ({"email": "bob@example.com", "roles": [["manager"]]}, "roles", "roles must be one or more of manager"),
            ({"email": "a@b.c", "annotator_email": "d@e.f"}, "email", "email and annotator_email are both given"),
        ],
    )
    def test_an_unfit_field_is_a_400(
        self, alice: Caller, bob: Caller, queue: Queue, body: Any, field: str, sentence: str
    ) -> None:
        answer = alice.post(members_of(queue), body)
        assert (answer.status, list(answer.body["errors"])) == (400, [field])
        assert answer.body["detail"].startswith(sentence)

    def test_people_of_other_organizations_and_inactive_ones_do_not_exist(
        self, alice: Caller, charlie: Caller, queue: Queue
    ) -> None:
        inactive = UserFactory.create(organization=queue.organization, is_active=False)
        for user in (charlie.user, inactive):
            for body in ({"user_id": str(user.pk)}, {"email": user.email}):
                answer = alice.post(members_of(queue), body)
                assert (answer.status, answer.body["code"]) == (400, "annotator_not_found")

    def test_members_are_listed_with_few_statements_on_pages(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        QueueMemberFactory.create_batch(3, queue=queue)
        page = bob.get(members_of(queue) + "?page_size=2").body
        assert (page["count"], [one["name"] for one in page["results"]]) == (5, ["Alice", "Bob"])
        key = Caller(ApiKeyFactory.create(user=bob.user, scopes=["annotate"]))
        assert key.get(members_of(queue)).body["count"] == 5
        QueueMember.objects.filter(user=bob.user).delete()
        assert key.get(members_of(queue)).status == 404


class TestTheLastManager:
    def test_stays(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        removed = alice.delete(f"{members_of(queue)}{alice.user.pk}/")
        demoted = alice.post(members_of(queue), {"user_id": str(alice.user.pk), "roles": ["annotator"]})
        updated = alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_roles": {"alice@example.com": "annotator"}})
        for answer in (removed, demoted, updated):
            assert (answer.status, answer.body["code"]) == (409, "last_manager")
        assert roles_by_name(bob, queue)["Alice"] == ["manager", "reviewer", "annotator"]

    def test_may_go_when_there_is_another(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user, roles=["manager"])
        assert alice.delete(f"{members_of(queue)}{alice.user.pk}/").body == {"deleted": True}
        assert roles_by_name(bob, queue) == {"Bob": ["manager"]}

    @pytest.mark.django_db(transaction=True)
    def test_two_managers_cannot_remove_each_other_at_the_same_moment(
        self, alice: Caller, bob: Caller, queue: Queue
    ) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user, roles=["manager"])

        def remove(user: Any) -> int:
            try:
                return alice.delete(f"{members_of(queue)}{user.pk}/").status
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, [alice.user, bob.user])) == [200, 409]
        assert QueueMember.objects.count() == 1


class TestLeaving:
    def test_assignments_and_reservations_of_open_items_go(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        dora, emil = QueueMemberFactory.create_batch(2, queue=queue)
        alone, shared, done, other = ItemFactory.create_batch(4, queue=queue)
        assign(alone, dora.user)
        assign(shared, dora.user, emil.user)
        assign(done, dora.user)
        Item.objects.filter(pk=done.pk).update(status="completed", completed_at=queue.created_at)
        SlotFactory.create(item=alone, user=dora.user, seat=1, state="reserved")
        SlotFactory.create(item=shared, user=dora.user, state="submitted", seat=1)
        SlotFactory.create(item=done, user=dora.user, state="completed", seat=1)
        SlotFactory.create(item=other, user=emil.user, seat=1, state="reserved")

        assert alice.delete(f"{members_of(queue)}{dora.user_id}/").body == {"deleted": True}
        assert dict(Slot.objects.values_list("item", "state")) == {
            shared.pk: "submitted",
            done.pk: "completed",
            other.pk: "reserved",
        }
        assert set(Assignment.objects.values_list("item", "user")) == {
            (shared.pk, emil.user_id),
            (done.pk, dora.user_id),
        }
        assert dict(Item.objects.values_list("pk", "is_assigned")) == {
            alone.pk: False,
            shared.pk: True,
            done.pk: True,
            other.pk: False,
        }
        again = alice.delete(f"{members_of(queue)}{dora.user_id}/")
        assert (again.status, again.body["code"]) == (404, "member_not_found")

    @pytest.mark.parametrize("way", ["removed", "members", "roles", "annotator_ids"])
    def test_submitted_and_returned_work_of_open_items_loses_its_seat(
        self, alice: Caller, bob: Caller, queue: Queue, way: str
    ) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        until = clock.now() + timedelta(days=7)
        open_slot: dict[str, Any] = {"state": "submitted", "seat": 1, "reserved_until": until}
        submitted, returned = (
            SlotFactory.create(item__queue=queue, user=bob.user, **open_slot, **more)
            for more in ({}, {"returned_at": clock.now()})
        )
        done = SlotFactory.create(item__queue=queue, item__status="completed", user=bob.user, **open_slot)
        if way == "removed":
            alice.delete(f"{members_of(queue)}{bob.user.pk}/")
        elif way == "members":
            alice.post(members_of(queue), {"email": "bob@example.com", "role": "reviewer"})
        elif way == "roles":
            alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_roles": {"bob@example.com": "reviewer"}})
        else:
            alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_ids": []})
        for slot, seat in ((submitted, None), (returned, None), (done, 1)):
            slot.refresh_from_db()
            assert (slot.state, slot.seat, slot.reserved_until == until) == ("submitted", seat, seat is not None)

    def test_an_item_that_all_others_skipped_is_skipped(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        Queue.objects.update(annotations_required=2)
        dora, emil = QueueMemberFactory.create_batch(2, queue=queue)
        QueueMember.objects.filter(user=alice.user).update(roles=["manager"])
        item = SlotFactory.create(item__queue=queue, user=dora.user, state="skipped").item
        alice.patch(f"{QUEUES}{queue.pk}/", {"name": "Same"})
        item.refresh_from_db()
        assert item.status == "pending"
        alice.delete(f"{members_of(queue)}{emil.user_id}/")
        item.refresh_from_db()
        assert item.status == "skipped"

    @pytest.mark.parametrize("role", ["reviewer", "manager"])
    @pytest.mark.parametrize("way", ["members", "roles"])
    def test_an_item_that_all_other_annotators_skipped_is_skipped(
        self, alice: Caller, bob: Caller, queue: Queue, way: str, role: str
    ) -> None:
        Queue.objects.update(annotations_required=2)
        dora = QueueMemberFactory.create(queue=queue)
        QueueMemberFactory.create(queue=queue, user=bob.user)
        QueueMember.objects.filter(user=alice.user).update(roles=["manager"])
        item = SlotFactory.create(item__queue=queue, user=dora.user, state="skipped").item
        if way == "members":
            alice.post(members_of(queue), {"email": "bob@example.com", "role": role})
        else:
            alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_roles": {"bob@example.com": role}})
        item.refresh_from_db()
        assert item.status == "skipped"

    @pytest.mark.parametrize("way", ["members", "roles", "annotator_ids"])
    def test_roles_without_annotating_end_the_work_too(
        self, alice: Caller, bob: Caller, queue: Queue, way: str
    ) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        item = SlotFactory.create(item__queue=queue, user=bob.user, seat=1, state="reserved").item
        assign(item, bob.user)
        changes = {
            "roles": {"annotator_roles": {"bob@example.com": "reviewer"}},
            "annotator_ids": {"annotator_ids": []},
        }
        if way == "members":
            alice.post(members_of(queue), {"email": "bob@example.com", "role": "reviewer"})
        else:
            assert alice.patch(f"{QUEUES}{queue.pk}/", changes[way]).status == 200
        item.refresh_from_db()
        assert (Slot.objects.exists(), Assignment.objects.exists(), item.is_assigned) == (False, False, False)


class TestMembersByAnUpdate:
    def test_lists_replace_the_members_except_the_creator(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        dora, emil = (UserFactory.create(organization=queue.organization, name=name) for name in ("Dora", "Emil"))
        path = f"{QUEUES}{queue.pk}/"
        roles = {"bob@example.com": ["annotator", "reviewer"], str(dora.pk): "manager"}
        alice.patch(
            path, {"annotatorEmails": ["BOB@example.com"], "annotatorIds": [str(dora.pk)], "annotatorRoles": roles}
        )
        everything = ["manager", "reviewer", "annotator"]
        assert roles_by_name(alice, queue) == {
            "Alice": everything,
            "Bob": ["reviewer", "annotator"],
            "Dora": ["manager"],
        }
        alice.patch(path, {"annotator_ids": [str(emil.pk), str(dora.pk), str(emil.pk)]})
        assert roles_by_name(alice, queue) == {"Alice": everything, "Dora": ["manager"], "Emil": ["annotator"]}
        alice.patch(path, {"annotator_roles": {str(emil.pk): ["manager"]}})
        assert roles_by_name(alice, queue) == {"Alice": everything, "Dora": ["manager"], "Emil": ["manager"]}

    def test_roles_of_a_person_by_id_and_email_must_be_equal(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        path = f"{QUEUES}{queue.pk}/"
        roles: dict[str, Any] = {str(bob.user.pk): "reviewer", " BOB@example.com": ["reviewer"]}
        assert alice.patch(path, {"annotator_ids": [str(bob.user.pk)], "annotator_roles": roles}).status == 200
        answer = alice.patch(path, {"annotator_roles": roles | {"bob@example.com": "manager"}})
        assert (answer.status, answer.body["detail"]) == (
            400,
            'annotator_roles must name each member once, got "bob@example.com" by id and email',
        )
        assert roles_by_name(alice, queue)["Bob"] == ["reviewer"]

    def test_a_deactivated_member_may_stay(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        type(bob.user).objects.filter(pk=bob.user.pk).update(is_active=False)
        assert alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_ids": [str(bob.user.pk)]}).status == 200
        alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_ids": []})
        assert alice.patch(f"{QUEUES}{queue.pk}/", {"annotator_ids": [str(bob.user.pk)]}).status == 400

    def test_an_error_changes_nothing(self, alice: Caller, bob: Caller, queue: Queue) -> None:
        QueueMemberFactory.create(queue=queue, user=bob.user)
        answer = alice.patch(f"{QUEUES}{queue.pk}/", {"name": "New", "annotator_ids": [str(uuid.uuid4())]})
        assert answer.status == 400
        assert set(roles_by_name(alice, queue)) == {"Alice", "Bob"}
        assert alice.get(f"{QUEUES}{queue.pk}/").body["name"] != "New"


def test_members_are_managed_by_managers(alice: Caller, bob: Caller, charlie: Caller, queue: Queue) -> None:
    QueueMemberFactory.create(queue=queue, user=bob.user, roles=["annotator", "reviewer"])
    for method, path in (("POST", members_of(queue)), ("DELETE", f"{members_of(queue)}{alice.user.pk}/")):
        assert bob.request(method, path, {"email": "bob@example.com"}).body["code"] == "queue_role"
        assert charlie.request(method, path, {"email": "charlie@example.org"}).status == 404
