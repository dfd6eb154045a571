"""The admin's page of annotation queues."""

import pytest
from django.test import Client
from django.utils import timezone

from tests.client import Caller, listed_ids
from tests.factories import ProjectFactory, QueueFactory

pytestmark = pytest.mark.django_db

PATH = "/admin/modelhub/queue/"


def test_search_and_filters(staff: Client, alice: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    tone = QueueFactory.create(created_by=alice.user, name="Tone", project=project)
    draft = QueueFactory.create(created_by=alice.user, status="draft", assignment_strategy="round_robin")
    gone = QueueFactory.create(created_by=alice.user, deleted_at=timezone.now())

    def found(**query: object) -> set[str]:
        return listed_ids(staff, PATH, **query)

    assert found() == {str(tone.pk), str(draft.pk)}
    assert found(q="tONe") == found(q=tone.pk) == found(project=project.pk) == {str(tone.pk)}
    assert found(status="draft") == found(assignment_strategy="round_robin") == {str(draft.pk)}
    assert found(state="deleted") == {str(gone.pk)}


def test_a_queue_is_shown_and_not_changed(staff: Client, alice: Caller) -> None:
    queue = QueueFactory.create(created_by=alice.user, instructions="Read the answer.")
    page = staff.get(f"{PATH}{queue.pk}/change/")
    assert "Read the answer." in page.content.decode()
    assert staff.post(f"{PATH}{queue.pk}/change/", {"name": "Other"}).status_code == 403
    assert staff.get(f"{PATH}add/").status_code == 403
