"""My work: queues of a person, their progress, and the items that are left."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import User
from modelhub.accounts.people import session_actor
from modelhub.core import clock
from modelhub.queues.models import Queue
from modelhub.queues.own_work import QueueOfPerson, count_work, own_queues
from modelhub.queues.picking import reserve_next
from tests.factories import (
    AssignmentFactory,
    ItemFactory,
    OrganizationFactory,
    QueueFactory,
    QueueMemberFactory,
    SlotFactory,
    UserFactory,
)
from tests.web.pages import log_in

pytestmark = pytest.mark.django_db


def page_of(user: User) -> str:
    return log_in(user).get("/").content.decode()


@pytest.fixture
def queue() -> Queue:
    return QueueFactory.create(name="Answers", instructions="Read all.\nThen judge.")


@pytest.fixture
def ada(queue: Queue) -> User:
    return member_of(queue)


def member_of(queue: Queue, *roles: str) -> User:
    user = UserFactory.create(organization=queue.organization)
    QueueMemberFactory.create(queue=queue, user=user, roles=list(roles or ["annotator"]))
    return user


def count(user: User) -> QueueOfPerson:
    actor = session_actor(user)
    [work] = count_work(actor, list(own_queues(actor)))
    return work


def test_an_annotator_sees_queues_with_progress_and_a_link_to_start(queue: Queue, ada: User) -> None:
    ItemFactory.create_batch(3, queue=queue)
    for item in (
        ItemFactory.create(queue=queue, status="completed"),
        ItemFactory.create(queue=queue, status="in_progress"),
        ItemFactory.create(deleted_at=clock.now(), queue=queue),
    ):
        SlotFactory.create(item=item, user=ada, state="completed", seat=1)
    page = page_of(ada)
    start = f"/queues/{queue.pk}/annotate/"
    assert f'<a href="{start}"><bdi>Answers</bdi></a>' in page
    assert re.search(f'href="{start}"[^>]*>Start annotating</a>', page)
    assert "2 of 5 done by you · queue: 1 of 5 done" in page
    assert "3 left for you" in page
    assert "Read all." in page
    assert "Then judge." not in page
    assert ">Review</a>" not in page


def test_a_reviewer_sees_the_items_that_wait_and_their_list(queue: Queue) -> None:
    ItemFactory.create_batch(2, queue=queue, status="in_progress", review_status="pending_review")
    page = page_of(member_of(queue, "reviewer"))
    assert f'<a href="/queues/{queue.pk}/review/"><bdi>Answers</bdi></a>' in page
    assert re.search(f'href="/queues/{queue.pk}/review/"[^>]*>Review</a> <span>2 wait for a review', page)
    assert "Queue: 0 of 2 done" in page
    assert "by you" not in page
    assert "Start annotating" not in page


def test_a_manager_that_is_no_annotator_is_sent_to_the_queue_and_may_annotate_by_a_plain_link(queue: Queue) -> None:
    ItemFactory.create(queue=queue)
    start = f'href="/queues/{queue.pk}/annotate/"'
    page = page_of(member_of(queue, "manager"))
    assert f'<a href="/queues/{queue.pk}/"><bdi>Answers</bdi></a>' in page
    assert "Start annotating" not in page
    assert re.search(f"<a {start}[^>]*>Annotate</a>", page)
    both = page_of(member_of(queue, "manager", "annotator"))
    assert re.search(f'class="button primary" {start}[^>]*>Start annotating</a>', both)
    assert ">Annotate</a>" not in both


def test_returned_items_are_named_and_the_link_opens_the_first_of_them(queue: Queue, ada: User) -> None:
    items = ItemFactory.create_batch(4, queue=queue, status="in_progress", review_status="rejected")
    moment = clock.now()
    for item, minutes in zip(items[:3], (1, 9, 5), strict=True):
        SlotFactory.create(
            item=item, user=ada, state="submitted", seat=1, returned_at=moment - timedelta(minutes=minutes)
        )
    SlotFactory.create(item=items[3], user=member_of(queue), state="submitted", seat=1, returned_at=moment)
    items[2].deleted_at = moment
    items[2].save()
    link = rf'href="/queues/{queue.pk}/annotate/{items[1].pk}/"[^>]*>2 items were returned to you</a>'
    assert re.search(link, page_of(ada))
    Queue.objects.filter(organization_id=queue.organization_id, pk=queue.pk).update(status="paused")
    assert "returned to you" not in page_of(ada)


def test_a_person_without_queues_is_told_the_next_step() -> None:
    admin = UserFactory.create(role="admin")
    assert "New queue" in page_of(admin)
    assert "A manager of a queue adds you" in page_of(UserFactory.create())


def test_deleted_queues_and_those_of_others_are_left_out(queue: Queue, ada: User) -> None:
    QueueFactory.create(organization=queue.organization, created_by=ada, name="Of others")
    deleted = QueueFactory.create(organization=queue.organization, created_by=ada, name="Gone", deleted_at=clock.now())
    QueueMemberFactory.create(queue=deleted, user=ada)
    page = page_of(ada)
    assert "Answers" in page
    assert "Of others" not in page
    assert "Gone" not in page


@pytest.mark.parametrize("status", ["draft", "paused", "completed"])
def test_a_queue_that_is_not_active_has_no_link_to_start(queue: Queue, ada: User, status: str) -> None:
    ItemFactory.create(queue=queue)
    Queue.objects.filter(organization_id=queue.organization_id, pk=queue.pk).update(status=status)
    page = page_of(ada)
    assert ">Start annotating</a>" not in page
    assert f'class="badge {status}"' in page


def test_items_that_the_person_may_not_take_are_not_left(queue: Queue, ada: User) -> None:
    items = ItemFactory.create_batch(9, queue=queue)
    other = member_of(queue)
    AssignmentFactory.create(item=items[0], user=other)
    AssignmentFactory.create(item=items[1], user=ada)
    for item in items[:2]:
        item.is_assigned = True
        item.save()
    SlotFactory.create(item=items[2], user=ada, state="skipped")
    SlotFactory.create(item=items[3], user=ada, state="reserved", seat=1)
    SlotFactory.create(item=items[4], user=other, state="submitted", seat=1)
    expired = SlotFactory.create(item=items[5], user=other, state="reserved", seat=1)
    expired.reserved_until = clock.now() - timedelta(minutes=1)
    expired.save()
    items[6].status, items[6].review_status = "in_progress", "pending_review"
    items[6].save()
    items[7].deleted_at = clock.now()
    items[7].save()
    work = count(ada)
    assert (work.items, work.in_review, work.open) == (8, 1, 4)


def test_the_number_that_is_left_is_the_number_of_items_that_are_handed_out(queue: Queue, ada: User) -> None:
    queue.annotations_required = 2
    queue.save()
    items = ItemFactory.create_batch(6, queue=queue)
    others = [member_of(queue), member_of(queue)]
    for seat, other in enumerate(others, 1):
        SlotFactory.create(item=items[0], user=other, state="completed", seat=seat)
        SlotFactory.create(item=items[1], user=other, state="reserved", seat=seat)
    SlotFactory.create(item=items[2], user=others[0], state="completed", seat=1)
    items[3].status = "skipped"
    items[3].save()
    SlotFactory.create(item=items[3], user=others[0], state="skipped")
    left = count(ada).open
    taken: list[str] = []
    while found := reserve_next(actor=session_actor(ada), queue_id=queue.pk, exclude=taken).item:  # type: ignore[arg-type]
        taken.append(found.id)
    assert left == len(taken) == 4


def test_statements_do_not_grow_with_queues() -> None:
    organization = OrganizationFactory.create()
    user = UserFactory.create(organization=organization)
    client = log_in(user)
    counts = []
    for _ in range(2):
        for _ in range(4):
            queue = QueueFactory.create(created_by=user)
            QueueMemberFactory.create(queue=queue, user=user, roles=["manager", "annotator"])
            ItemFactory.create_batch(2, queue=queue)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        counts.append(len(captured))
    assert counts == [6, 6]


def test_names_and_instructions_are_text(queue: Queue, ada: User) -> None:
    evil = '<script>alert("x")</script>'
    Queue.objects.filter(organization_id=queue.organization_id, pk=queue.pk).update(name=evil, instructions=evil)
    page = page_of(ada)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") == 2
