"""Pages of queues: list, one queue, create, edit, export."""

import csv
import io
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.queues.models import Item, Queue, QueueLabel, QueueMember
from tests.factories import (
    AdjudicationFactory,
    LabelFactory,
    ProjectFactory,
    QueueFactory,
    QueueLabelFactory,
    QueueMemberFactory,
    ScoreFactory,
    SlotFactory,
    UserFactory,
)
from tests.web.pages import html_of, log_in, text_of
from tests.web.queue_team import Team, sentences

pytestmark = pytest.mark.django_db

EVIL = '<script>alert(1)</script>"\u202e'


@pytest.fixture
def team() -> Team:
    return Team()


def form_of(team: Team, **changes: Any) -> dict[str, Any]:
    """Return the fields that a browser sends for a new queue."""
    fields = {
        "name": "Answers",
        "description": "",
        "instructions": "",
        "annotations_required": "1",
        "reservation_timeout_minutes": "30",
        "assignment_strategy": "manual",
        "blind": "on",
        f"roles-{team.admin.pk}": ["annotator", "reviewer", "manager"],
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


# The list


def test_the_list_has_the_persons_queues_and_admins_see_all(team: Team) -> None:
    QueueFactory.create(organization=team.queue.organization, created_by=team.admin, name="Summaries")
    assert "Summaries" not in html_of(log_in(team.annotator).get("/queues/"))
    page = html_of(log_in(team.admin).get("/queues/"))
    assert "Summaries" in page
    assert "Refunds" in page
    assert "Refunds" not in html_of(log_in(team.foreigner).get("/queues/"))


@pytest.mark.parametrize(
    ("role", "links"),
    [
        ("annotator", {"annotate/"}),
        ("reviewer", {"", "results/"}),
        ("manager", {"annotate/", "", "results/"}),
        ("admin", {"annotate/", "", "results/"}),
    ],
)
def test_the_list_has_the_links_of_the_persons_rights(team: Team, role: str, links: set[str]) -> None:
    page = html_of(log_in(getattr(team, role)).get("/queues/"))
    assert set(re.findall(rf'href="{team.path}([^"]*)"', page)) == links


def test_the_list_filters_by_name_and_status(team: Team) -> None:
    QueueFactory.create(organization=team.queue.organization, created_by=team.admin, name="Summaries", status="draft")
    client = log_in(team.admin)
    for query, names in {"search=refu": ["Refunds"], "status=draft": ["Summaries"], "status=paused": []}.items():
        page = html_of(client.get(f"/queues/?{query}"))
        assert [name for name in ("Refunds", "Summaries") if name in page] == names
    assert "No queue matches" in page
    assert client.get("/queues/?status=nonsense").status_code == 400


def test_an_archived_queue_is_behind_the_filter_and_its_manager_restores_it(team: Team) -> None:
    client = log_in(team.manager)
    assert client.post(team.path, {"action": "archive"}).status_code == 302
    assert "Refunds" not in html_of(client.get("/queues/?status=active"))
    page = html_of(client.get("/queues/?status=archived"))
    assert f'value="{team.queue.pk}"' in page
    answer = client.post("/queues/?status=archived", {"restore": str(team.queue.pk)})
    assert answer["Location"] == team.path
    assert "Refunds" in html_of(client.get("/queues/"))


def test_a_queue_whose_name_is_taken_is_not_restored(team: Team) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(deleted_at=clock.now())
    QueueFactory.create(organization=team.queue.organization, created_by=team.admin, name="refunds")
    answer = log_in(team.admin).post("/queues/", {"restore": str(team.queue.pk)})
    assert answer.status_code == 409
    assert "exists already" in html_of(answer)


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), ("foreigner", 404)])
def test_others_do_not_restore_a_queue(team: Team, role: str, status: int) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(deleted_at=clock.now())
    answer = log_in(getattr(team, role)).post("/queues/", {"restore": str(team.queue.pk)})
    assert answer.status_code == status
    assert log_in(team.admin).post("/queues/", {"restore": "x"}).status_code == 400


def test_statements_of_the_list_do_not_grow_with_queues_and_members(team: Team) -> None:
    client = log_in(team.admin)
    client.get("/queues/")
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get("/queues/")
    for _ in range(5):
        queue = QueueFactory.create(organization=team.queue.organization, created_by=team.admin)
        QueueMemberFactory.create_batch(3, queue=queue)
        QueueLabelFactory.create(queue=queue)
    with CaptureQueriesContext(connection) as many:
        client.get("/queues/")
    assert len(many) == len(one) <= 10


def test_the_first_steps_are_named_without_a_queue() -> None:
    admin, member = UserFactory.create(role="admin"), UserFactory.create()
    assert "Create the first queue" in html_of(log_in(admin).get("/queues/"))
    assert "A manager of a queue adds you" in html_of(log_in(member).get("/queues/"))


def test_a_list_whose_queues_are_all_archived_says_so(team: Team) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(deleted_at=clock.now())
    for person, number in ((team.admin, 1), (team.manager, 0)):
        page = html_of(log_in(person).get("/queues/"))
        assert '<p>All queues are archived. <a href="/queues/?status=archived">Show archived queues</a></p>' in page
        assert page.count("New queue") == 2 * number


def test_names_of_people_and_queues_are_never_markup(team: Team) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(name=EVIL, description=EVIL, instructions=EVIL)
    label = LabelFactory.create(organization=team.queue.organization, name=EVIL)
    QueueLabelFactory.create(queue=team.queue, label=label)
    team.join("annotator", name=EVIL)
    client = log_in(team.admin)
    for path in ("/queues/", team.path, f"{team.path}edit/", f"{team.path}add/", f"{team.path}items/"):
        page = html_of(client.get(path))
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


# One queue


def test_the_page_shows_progress_people_labels_and_instructions(team: Team) -> None:
    team.add(3)
    team.add(1, status="completed", completed_at=clock.now())
    Queue.objects.filter(pk=team.queue.pk).update(instructions="Judge the last answer. http://a.b/c")
    QueueLabelFactory.create(queue=team.queue, label__name="Quality")
    page = html_of(log_in(team.reviewer).get(team.path))
    assert "25.0 %" in page
    assert "Quality" in page
    assert "1 to 5" in page
    assert 'Judge the last answer. <a href="http://a.b/c" target="_blank"' in page
    assert team.annotator.email in page
    # Reviewers read the page only.
    assert "Archive" not in page
    assert f"{team.path}edit/" not in page


def test_reviewers_see_the_work_of_all_people(team: Team) -> None:
    [item] = team.add(1, status="completed", completed_at=clock.now())
    label = LabelFactory.create(organization=team.queue.organization)
    QueueLabelFactory.create(queue=team.queue, label=label)
    gone = UserFactory.create(organization=team.queue.organization, name="Gone away")
    ScoreFactory.create(source=item.source, label=label, annotator=gone, queue_item=item.pk, queue_id=team.queue.pk)
    page = html_of(log_in(team.reviewer).get(team.path))
    assert "Gone away" in page
    assert "no member any more" in page


def test_the_columns_of_people_say_what_is_left_for_each(team: Team) -> None:
    first, second, _ = team.add(3)
    for item, state in ((first, "submitted"), (second, "reserved")):
        SlotFactory.create(item=item, user=team.annotator, state=state)
    page = text_of(log_in(team.reviewer).get(team.path))
    assert "Done In progress Assigned or opened Skipped" in page
    assert f"{team.annotator.email} annotator 0 1 1 0" in page
    assert "Items that are assigned to nobody are left for all annotators and count for none." in page


@pytest.mark.parametrize(
    ("before", "names"),
    [
        ("draft", ["Activate"]),
        ("active", ["Pause", "Complete"]),
        ("paused", ["Resume", "Complete"]),
        ("completed", ["Reopen", "Reopen as paused"]),
    ],
)
def test_the_buttons_are_the_possible_changes(team: Team, before: str, names: list[str]) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(status=before)
    client = log_in(team.manager)
    buttons = re.findall(r'<button name="action" value="(\w+)"[^>]*>([^<]+)<', html_of(client.get(team.path)))
    assert [name for _, name in buttons] == [*names, "Archive"]
    for status, _ in buttons[:-1]:
        Queue.objects.filter(pk=team.queue.pk).update(status=before)
        assert client.post(team.path, {"action": status}).status_code == 302
        assert Queue.objects.get(pk=team.queue.pk).status == status


def test_complete_asks_while_items_are_open(team: Team) -> None:
    Queue.objects.update(status="active")
    team.add(2)
    [done] = team.add()
    client = log_in(team.manager)
    question = 'value="completed" data-confirm="Complete this queue? 3 items are not completed:'
    assert question in html_of(client.get(team.path))
    Item.objects.filter(pk=done.pk).update(status="completed", completed_at=clock.now())
    assert question.replace("3", "2") in html_of(client.get(team.path))
    Item.objects.update(status="completed", completed_at=clock.now())
    assert 'value="completed">Complete</button>' in html_of(client.get(team.path))


def test_a_queue_without_items_is_activated_with_a_warning_and_the_way_to_add_them(team: Team) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(status="draft")
    client = log_in(team.manager)
    page = html_of(client.post(team.path, {"action": "active"}, follow=True))
    assert '<p class="message warning">The queue is active, but it has no items yet' in page
    assert "Next steps" in page
    assert f'<a href="{team.path}add/">Add items</a></li>' in page
    team.add()
    QueueLabelFactory.create(queue=team.queue)
    assert "Next steps" not in html_of(client.get(team.path))
    client.post(team.path, {"action": "paused"})
    assert "annotators get its items" in html_of(client.post(team.path, {"action": "active"}, follow=True))


def test_an_impossible_change_of_the_status_shows_the_sentence(team: Team) -> None:
    answer = log_in(team.manager).post(team.path, {"action": "draft"})
    assert answer.status_code == 400
    assert "Cannot transition from" in html_of(answer)


@pytest.mark.parametrize("action", ["paused", "archive", "restore"])
@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), ("foreigner", 404)])
def test_only_managers_change_a_queue(team: Team, action: str, role: str, status: int) -> None:
    deleted_at = clock.now() if action == "restore" else None
    Queue.objects.filter(pk=team.queue.pk).update(deleted_at=deleted_at)
    assert log_in(getattr(team, role)).post(team.path, {"action": action}).status_code == status
    stored = Queue.objects.get(pk=team.queue.pk)
    assert (stored.status, stored.deleted_at) == ("active", deleted_at)


def test_the_page_of_an_archived_queue_offers_to_restore_it_and_nothing_else(team: Team) -> None:
    Queue.objects.filter(pk=team.queue.pk).update(deleted_at=clock.now())
    client = log_in(team.admin)
    page = html_of(client.get(team.path))
    assert re.findall(r'<button name="action" value="(\w+)"', page) == ["restore"]
    assert f"{team.path}edit/" not in page
    client.post(team.path, {"action": "restore"})
    assert Queue.objects.get(pk=team.queue.pk).deleted_at is None


def test_statements_of_a_queue_do_not_grow_with_members_and_items(team: Team) -> None:
    client = log_in(team.admin)
    client.get(team.path)
    with CaptureQueriesContext(connection) as few:
        client.get(team.path)
    team.add(20)
    for _ in range(10):
        team.join("annotator")
    with CaptureQueriesContext(connection) as many:
        client.get(team.path)
    assert len(many) == len(few) <= 9


# Exports


@pytest.mark.parametrize("name", ["json", "csv", "jsonl"])
def test_reviewers_export_the_items_as_a_file(team: Team, name: str) -> None:
    [item] = team.add()
    answer: Any = log_in(team.reviewer).get(f"{team.path}export/?format={name}")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="queue_{team.queue.pk}_annotations.{name}"'
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert str(item.pk) in content
    if name == "json":
        assert [one["item_id"] for one in json.loads(content)] == [str(item.pk)]


def test_an_unknown_format_of_an_export_is_refused(team: Team) -> None:
    answer = log_in(team.reviewer).get(f"{team.path}export/?format=xlsx")
    assert answer.status_code == 400
    assert "format must be one of json, csv, jsonl" in html_of(answer)


@pytest.mark.parametrize(
    ("query", "values"),
    [("", ["2", "4"]), ("&prefer=scores", ["2", "4"]), ("&prefer=authoritative", ["3"])],
)
def test_an_export_has_the_decisions_of_reviewers_if_wanted(team: Team, query: str, values: list[str]) -> None:
    [item] = team.add()
    label = LabelFactory.create(organization=team.queue.organization)
    QueueLabelFactory.create(queue=team.queue, label=label)
    for stars in (2, 4):
        ScoreFactory.create(
            source=item.source,
            label=label,
            annotator=team.join("annotator"),
            value={"rating": stars},
            queue_item=item.pk,
            queue_id=team.queue.pk,
        )
    AdjudicationFactory.create(item=item, label=label, value={"rating": 3})
    answer: Any = log_in(team.reviewer).get(f"{team.path}export/?format=csv{query}")
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert sorted(row["value"] for row in rows) == values


def test_an_unknown_preference_of_an_export_is_refused(team: Team) -> None:
    answer = log_in(team.reviewer).get(f"{team.path}export/?prefer=mine")
    assert answer.status_code == 400
    assert "prefer must be one of scores, authoritative" in html_of(answer)


@pytest.mark.parametrize("page", ["", "results/"])
def test_pages_offer_the_decisions_of_reviewers_for_an_export(team: Team, page: str) -> None:
    team.add()
    text = html_of(log_in(team.reviewer).get(team.path + page))
    assert f'<form method="get" action="{team.path}export/"' in text
    assert '<input type="checkbox" name="prefer" value="authoritative">' in text
    for name in ("json", "csv", "jsonl"):
        assert f'<button name="format" value="{name}">' in text


# The form


def test_a_queue_is_created_with_its_labels_in_order_people_and_settings(team: Team) -> None:
    organization = team.queue.organization
    first, second = (LabelFactory.create(organization=organization, name=name) for name in ("B", "A"))
    project = ProjectFactory.create(organization=organization)
    client = log_in(team.admin)
    assert client.get("/queues/new/").status_code == 200
    fields = form_of(
        team,
        instructions="Be strict.\r\nAnd fair.",
        annotations_required="2",
        reservation_timeout_minutes="5",
        assignment_strategy="round_robin",
        requires_review="on",
        blind=None,
        project=str(project.pk),
        label=[str(second.pk), str(first.pk)],
        required=[str(second.pk)],
        **{f"position-{first.pk}": "1", f"position-{second.pk}": "2"},
        **{f"roles-{team.annotator.pk}": ["annotator"], f"roles-{team.reviewer.pk}": ["reviewer", "annotator"]},
    )
    answer = client.post("/queues/new/", fields)
    queue = Queue.objects.get(name="Answers")
    assert answer["Location"] == f"/queues/{queue.pk}/"
    assert queue.status == "draft"
    assert queue.instructions == "Be strict.\nAnd fair."
    assert (queue.annotations_required, queue.reservation_seconds, queue.requires_review, queue.blind) == (
        2,
        300,
        True,
        False,
    )
    assert (queue.assignment_strategy, queue.project_id) == ("round_robin", project.pk)
    labels = QueueLabel.objects.filter(queue=queue).order_by("order").values_list("label_id", "required")
    assert list(labels) == [(first.pk, False), (second.pk, True)]
    assert {member.user_id: member.roles for member in QueueMember.objects.filter(queue=queue)} == {
        team.admin.pk: ["manager", "reviewer", "annotator"],
        team.annotator.pk: ["annotator"],
        team.reviewer.pk: ["reviewer", "annotator"],
    }
    page = html_of(client.get(answer["Location"]))
    assert "Add items" in page
    assert "Next steps" in page


@pytest.mark.parametrize(
    ("field", "sent", "name", "sentence"),
    [
        ("name", "", "name", "Name must be a string of 1 to 255 visible characters"),
        ("name", "Refunds", "name", "exists already"),
        ("annotations_required", "0", "annotations_required", "Annotations per item must be a whole number from 1"),
        ("annotations_required", "two", "annotations_required", "got &quot;two&quot;"),
        ("reservation_timeout_minutes", "99999999", "reservation_timeout_minutes", "must be a whole number"),
        ("assignment_strategy", "magic", "assignment_strategy", "must be one of manual"),
        ("label", "019ac4f1-5e2a-7c90-8d13-2b3c4d5e6f70", "label_ids", "must be the id of a label"),
        ("roles-019ac4f1-5e2a-7c90-8d13-2b3c4d5e6f70", "annotator", "annotator_ids", "active user"),
        ("annotator_emails", "nobody@example.com", "annotator_emails", "active user"),
        ("project", "019ac4f1-5e2a-7c90-8d13-2b3c4d5e6f70", None, "Project must be the id of a project"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(
    team: Team, field: str, sent: str, name: str | None, sentence: str
) -> None:
    fields = form_of(team, description="Typed with care", **{field: sent})
    answer = log_in(team.admin).post("/queues/new/", fields)
    page = html_of(answer)
    assert answer.status_code in {400, 409}
    assert "Typed with care" in page
    if name:
        [shown] = re.findall(rf'<p class="field-error" id="{name}-error">([^<]+)</p>', page)
        assert sentence in shown
    assert sentence in page
    assert Queue.objects.count() == 1


def test_a_taken_name_leads_to_its_queue_if_the_person_sees_it(team: Team) -> None:
    other = Queue.objects.create(organization=team.queue.organization, created_by=team.admin, name="Other")
    for person, number in ((team.admin, 1), (team.manager, 0)):
        page = html_of(log_in(person).post(f"{team.path}edit/", edited(team, name="OTHER")))
        assert "A queue named &quot;OTHER&quot; exists already<" in page
        assert page.count(f'<a href="/queues/{other.pk}/">Open the queue <bdi>Other</bdi></a>') == number


def test_types_and_unfit_settings_have_the_words_of_the_list_of_labels(team: Team) -> None:
    fit, unfit = (LabelFactory.create(organization=team.queue.organization, type="thumbs_up_down") for _ in range(2))
    Label.objects.filter(pk=unfit.pk).update(type="numeric", settings={"min": 9, "max": 1})
    for label in (fit, unfit):
        QueueLabelFactory.create(queue=team.queue, label=label)
    client = log_in(team.admin)
    for path in (team.path, f"{team.path}edit/", "/labels/"):
        page = html_of(client.get(path))
        assert (">Thumbs</" in page, ">thumbs_up_down</" in page) == (True, False)
    for path in (team.path, "/labels/"):
        assert "the settings of the label are unfit: min must be less than max" in html_of(client.get(path))


def test_rejected_choices_of_labels_and_people_stay(team: Team) -> None:
    label = LabelFactory.create(organization=team.queue.organization)
    fields = form_of(team, name="", label=str(label.pk), required=str(label.pk), requires_review="on")
    fields[f"roles-{team.annotator.pk}"] = ["reviewer"]
    page = html_of(log_in(team.admin).post("/queues/new/", fields))
    assert f'name="label" value="{label.pk}" checked' in page
    assert re.search(rf'name="required" value="{label.pk}"[^>]* checked', page)
    assert re.search(rf'name="roles-{team.annotator.pk}" value="reviewer"[^>]* checked', page)
    assert 'name="requires_review" checked' in page


def test_a_label_that_is_chosen_next_is_required_and_the_queue_names_its_order(team: Team) -> None:
    attached = QueueLabelFactory.create(queue=team.queue, required=False)
    other = LabelFactory.create(organization=team.queue.organization)
    page = html_of(log_in(team.admin).get(f"{team.path}edit/"))
    required = {label: f'name="required" value="{label}"[^>]* checked' for label in (attached.label_id, other.pk)}
    assert [label for label, box in required.items() if re.search(box, page)] == [other.pk]
    assert re.search(rf'name="position-{attached.label_id}" value="1"', page)
    assert "Annotators get them in this order." in html_of(log_in(team.admin).get(team.path))


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_a_required_label_asks_before_it_reopens_finished_items(team: Team, role: str) -> None:
    """The button has the number: with more items meanwhile, it asks again."""
    kept = QueueLabelFactory.create(queue=team.queue, required=True)
    new = LabelFactory.create(organization=team.queue.organization, name="Helpful")
    finished = [
        *team.add(2, status="completed", completed_at=clock.now()),
        *team.add(status="in_progress", review_status="pending_review"),
    ]
    for item in finished:
        SlotFactory.create(item=item, user=team.annotator, state="completed")
    client = log_in(getattr(team, role))
    both = [str(kept.label_id), str(new.pk)]
    fields = edited(team, description="Typed with care", label=both, required=both)
    answer = client.post(f"{team.path}edit/", fields)
    page = html_of(answer)
    assert answer.status_code == 409
    assert "to require Helpful reopens 3 items that are completed or in review" in page
    assert "Typed with care" in page
    assert f'name="label" value="{new.pk}" checked' in page
    assert '<button class="danger" name="reopen" value="3">Save and reopen 3 items</button>' in page
    queue = Queue.objects.get(pk=team.queue.pk)
    assert (queue.description, queue.queue_labels.count(), Item.objects.filter(status="completed").count()) == (
        "",
        1,
        2,
    )
    [later] = team.add(status="completed", completed_at=clock.now())
    SlotFactory.create(item=later, user=team.annotator, state="completed")
    assert "Save and reopen 4 items" in html_of(client.post(f"{team.path}edit/", fields | {"reopen": "3"}))
    assert client.post(f"{team.path}edit/", fields | {"reopen": "4"})["Location"] == team.path
    assert Item.objects.filter(status="in_progress", review_status="").count() == 4


def test_an_optional_label_and_one_that_all_have_answered_reopen_nothing(team: Team) -> None:
    answered, optional = (QueueLabelFactory.create(queue=team.queue, required=False) for _ in range(2))
    new = LabelFactory.create(organization=team.queue.organization)
    [item] = team.add(status="completed", completed_at=clock.now())
    SlotFactory.create(item=item, user=team.annotator, state="completed")
    ScoreFactory.create(source=item.source, label=answered.label, annotator=team.annotator, queue_item=item.pk)
    labels = [str(pk) for pk in (answered.label_id, optional.label_id, new.pk)]
    client = log_in(team.manager)
    page = html_of(client.get(f"{team.path}edit/"))
    assert f'name="required" value="{new.pk}"' in page
    assert not re.search(rf'name="required" value="{new.pk}"[^>]* checked', page)
    fields = edited(team, label=labels, required=labels[:1])
    assert client.post(f"{team.path}edit/", fields)["Location"] == team.path
    assert Item.objects.get(pk=item.pk).status == "completed"
    assert QueueLabel.objects.filter(queue=team.queue, required=True).count() == 1


@pytest.mark.parametrize("role", ["manager", "reviewer", "annotator"])
def test_only_admins_create_queues(team: Team, role: str) -> None:
    assert log_in(getattr(team, role)).post("/queues/new/", form_of(team)).status_code == 403
    assert Queue.objects.count() == 1


def edited(team: Team, **changes: Any) -> dict[str, Any]:
    """Return the fields of the team's queue as its form has them."""
    queue = Queue.objects.get(pk=team.queue.pk)
    fields = {
        "name": queue.name,
        "description": queue.description,
        "instructions": queue.instructions,
        "annotations_required": str(queue.annotations_required),
        "reservation_timeout_minutes": str(queue.reservation_timeout_minutes),
        "assignment_strategy": queue.assignment_strategy,
        **{flag: "on" for flag in ("auto_assign", "requires_review", "blind") if getattr(queue, flag)},
        **{f"roles-{member.user_id}": member.roles for member in QueueMember.objects.filter(queue=queue)},
    }
    attached = QueueLabel.objects.filter(queue=queue, label__deleted_at=None).order_by("order")
    fields["label"] = [str(one.label_id) for one in attached]
    fields["required"] = [str(one.label_id) for one in attached if one.required]
    fields |= {f"position-{one.label_id}": str(at) for at, one in enumerate(attached, 1)}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def test_an_unchanged_form_changes_nothing(team: Team) -> None:
    QueueLabelFactory.create(queue=team.queue)
    deleted = QueueLabelFactory.create(queue=team.queue, label__deleted_at=clock.now())
    # Not a whole number of minutes.
    Queue.objects.filter(pk=team.queue.pk).update(reservation_seconds=90)
    before = list(QueueMember.objects.order_by("pk").values_list("user_id", "roles"))
    answer = log_in(team.manager).post(f"{team.path}edit/", edited(team))
    assert answer["Location"] == team.path
    assert Queue.objects.get(pk=team.queue.pk).reservation_seconds == 90
    assert QueueLabel.objects.filter(pk=deleted.pk).exists()
    assert list(QueueMember.objects.order_by("pk").values_list("user_id", "roles")) == before


def made_from(page: str) -> str:
    """Return the hidden field of the form."""
    [value] = re.findall('name="made_from" value="([^"]+)"', page)
    return str(value)


def test_a_form_does_not_undo_what_was_changed_meanwhile_without_a_word(team: Team) -> None:
    kept = QueueLabelFactory.create(queue=team.queue, required=True)
    client, path = log_in(team.manager), f"{team.path}edit/"
    stale = edited(team, name="Renamed", made_from=made_from(html_of(client.get(path))))
    QueueLabel.objects.filter(pk=kept.pk).update(required=False)
    added = QueueLabelFactory.create(queue=team.queue, label__name="Tone")
    joined = team.join("annotator", name="Bob <b>")
    answer = client.post(path, stale)
    page = html_of(answer)
    assert answer.status_code == 409
    assert "The labels and people of this queue were changed meanwhile, and nothing is saved yet." in page
    assert "As it is, the form removes Tone and Bob &lt;b&gt; from it." in page
    assert 'value="Renamed"' in page
    assert Queue.objects.get(pk=team.queue.pk).name != "Renamed"
    assert QueueMember.objects.filter(queue=team.queue, user=joined).exists()
    assert QueueLabel.objects.filter(queue=team.queue, label=added.label).exists()
    # Another error does not make the form a new one.
    unfit = html_of(client.post(path, stale | {"annotations_required": "0", "made_from": made_from(page)}))
    QueueLabel.objects.filter(pk=added.pk).update(required=not added.required)
    answer = client.post(path, stale | {"made_from": made_from(unfit)})
    assert (answer.status_code, "The labels of this queue were changed" in html_of(answer)) == (409, True)
    assert client.post(path, stale | {"made_from": made_from(html_of(answer))})["Location"] == team.path
    assert not QueueMember.objects.filter(queue=team.queue, user=joined).exists()
    # The same form again, as by a double click, changes nothing.
    assert client.post(path, stale)["Location"] == team.path


def test_a_change_of_the_texts_or_settings_is_named(team: Team) -> None:
    client, path = log_in(team.manager), f"{team.path}edit/"
    stale = edited(team, name="Renamed", made_from=made_from(html_of(client.get(path))))
    Queue.objects.filter(pk=team.queue.pk).update(description="New", annotations_required=3)
    assert "The texts and settings of this queue were changed meanwhile" in html_of(client.post(path, stale))


def test_a_manager_changes_settings_labels_and_members(team: Team) -> None:
    keep, drop = (QueueLabelFactory.create(queue=team.queue, required=True) for _ in range(2))
    new = LabelFactory.create(organization=team.queue.organization)
    fields = edited(
        team,
        name="Refunds 2",
        annotations_required="3",
        blind=None,
        label=[str(new.pk), str(keep.label_id)],
        required=[str(new.pk)],
        **{f"position-{new.pk}": "1", f"position-{keep.label_id}": "2"},
        **{f"roles-{team.annotator.pk}": None, f"roles-{team.reviewer.pk}": ["reviewer", "annotator"]},
    )
    answer = log_in(team.manager).post(f"{team.path}edit/", fields)
    assert answer.status_code == 302
    queue = Queue.objects.get(pk=team.queue.pk)
    assert (queue.name, queue.annotations_required, queue.blind) == ("Refunds 2", 3, False)
    labels = QueueLabel.objects.filter(queue=queue).order_by("order").values_list("label_id", "required")
    assert list(labels) == [(new.pk, True), (keep.label_id, False)]
    members = dict(QueueMember.objects.filter(queue=queue).values_list("user_id", "roles"))
    assert team.annotator.pk not in members
    assert members[team.reviewer.pk] == ["reviewer", "annotator"]
    assert drop.label_id not in {label_id for label_id, _ in labels}


def test_a_creator_without_a_role_is_no_member(team: Team) -> None:
    client = log_in(team.admin)
    fields = form_of(team, **{f"roles-{team.admin.pk}": None, f"roles-{team.manager.pk}": ["manager"]})
    assert client.post("/queues/new/", fields).status_code == 302
    members = QueueMember.objects.filter(queue__name="Answers").values_list("user_id", flat=True)
    assert list(members) == [team.manager.pk]


def test_the_last_manager_stays(team: Team) -> None:
    fields = edited(team, **{f"roles-{team.manager.pk}": ["annotator"]})
    answer = log_in(team.manager).post(f"{team.path}edit/", fields)
    assert answer.status_code == 409
    assert "at least one manager" in html_of(answer)


@pytest.mark.parametrize(("role", "status"), [("reviewer", 403), ("annotator", 403), ("foreigner", 404)])
def test_only_managers_edit_a_queue(team: Team, role: str, status: int) -> None:
    answer = log_in(getattr(team, role)).post(f"{team.path}edit/", edited(team, name="Mine"))
    assert answer.status_code == status
    assert Queue.objects.get(pk=team.queue.pk).name == "Refunds"


def test_labels_and_people_of_others_are_not_offered_or_taken(team: Team) -> None:
    foreign_label = LabelFactory.create(organization=team.foreigner.organization, name="Foreign label")
    client = log_in(team.admin)
    page = html_of(client.get(f"{team.path}edit/"))
    assert "Foreign label" not in page
    assert team.foreigner.email not in page
    for changes in ({"label": str(foreign_label.pk)}, {f"roles-{team.foreigner.pk}": ["annotator"]}):
        assert client.post(f"{team.path}edit/", edited(team, **changes)).status_code == 400


def test_a_large_organization_names_further_people_by_email(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelhub.web.queue_form.MOST_PEOPLE", 2)
    late = UserFactory.create(organization=team.queue.organization, name="zz", email="late@example.com")
    client = log_in(team.admin)
    page = html_of(client.get(f"{team.path}edit/"))
    assert "Further annotators by email" in page
    assert late.email not in page
    assert team.annotator.email in page
    assert client.post(f"{team.path}edit/", edited(team, annotator_emails="Late@example.com\n")).status_code == 302
    assert QueueMember.objects.get(queue=team.queue, user=late).roles == ["annotator"]


def test_a_form_with_hundreds_of_members_is_read(team: Team) -> None:
    roles = ["manager", "reviewer", "annotator"]
    for user in UserFactory.create_batch(400, organization=team.queue.organization):
        QueueMemberFactory.create(queue=team.queue, user=user, roles=roles)
    client = log_in(team.admin)
    with CaptureQueriesContext(connection) as statements:
        assert client.get(f"{team.path}edit/").status_code == 200
    assert len(statements) <= 12
    assert client.post(f"{team.path}edit/", edited(team, name="Many")).status_code == 302
    assert Queue.objects.get(pk=team.queue.pk).name == "Many"


def test_messages_name_the_new_queue(team: Team) -> None:
    answer = log_in(team.admin).post("/queues/new/", form_of(team))
    assert sentences(answer) == ["“Answers” is created. Add items, then activate it."]


def test_only_annotators_have_annotating_as_the_first_button(team: Team) -> None:
    team.add()
    team.queue.status = "active"
    team.queue.save()
    start = f'href="{team.path}annotate/"'
    both = team.join("manager", "annotator")
    assert f'class="button primary" {start}>Start annotating</a>' in html_of(log_in(both).get(team.path))
    page = html_of(log_in(team.manager).get(team.path))
    assert f"<a {start}>Annotate</a>" in page
    assert "Start annotating" not in page
