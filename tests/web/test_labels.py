"""Labels: list, one form for new and stored ones, and the preview of both."""

import re
import uuid
from typing import Any

import pytest
from django.urls import reverse

from modelhub.accounts.models import User
from modelhub.core import clock
from modelhub.labels.models import Label
from modelhub.labels.services import delete_label
from tests.factories import (
    LabelFactory,
    ProjectFactory,
    QueueFactory,
    ScoreFactory,
    SourceFactory,
    UserFactory,
)
from tests.web.pages import log_in, text_of

pytestmark = pytest.mark.django_db

NEW = {"name": "Quality", "type": "star", "no_of_stars": "5", "description": "", "project": ""}
FORMS: dict[str, dict[str, str]] = {
    "star": {"no_of_stars": "7"},
    "numeric": {"min": "0.5", "max": "2.50", "step_size": "0.25", "display_type": "button"},
    "text": {"min_length": "3", "max_length": "90", "placeholder": "Say why"},
    "categorical": {"options": " good\r\n\r\nbad \r\n", "multi_choice": "true"},
    "thumbs_up_down": {},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "star": {"no_of_stars": 7},
    "numeric": {"min": 0.5, "max": 2.5, "step_size": 0.25, "display_type": "button"},
    "text": {"min_length": 3, "max_length": 90, "placeholder": "Say why"},
    "categorical": {"options": [{"label": "good"}, {"label": "bad"}], "multi_choice": True},
    "thumbs_up_down": {},
}


@pytest.fixture
def admin() -> User:
    return UserFactory.create(role="admin")


def path_of(label: Label, name: str = "edit-label") -> str:
    return reverse(f"web:{name}", kwargs={"pk": label.pk})


def form_of(answer: Any) -> dict[str, str]:
    """Return the fields of the form of a page, as a browser would send them."""
    return {
        **{name: value for name, value in answer.context["texts"].items() if value},
        "action": "save",
    }


# New labels


@pytest.mark.parametrize("label_type", FORMS)
def test_a_label_of_each_type_is_created_by_the_form(admin: User, label_type: str) -> None:
    # The fields of all types are sent: a form without scripts shows them all.
    others = {key: value for form in FORMS.values() for key, value in form.items()}
    fields = {**NEW, **others, "type": label_type, "description": "How good?\r\nReally.", "allow_notes": "on"}
    answer = log_in(admin).post(reverse("web:new-label"), fields, follow=True)
    assert "The label Quality is created." in answer.content.decode()
    label = Label.objects.get(name="Quality")
    assert label.organization_id == admin.organization_id
    assert (label.type, label.description, label.allow_notes) == (label_type, "How good?\nReally.", True)
    assert {key: label.settings[key] for key in SETTINGS[label_type]} == SETTINGS[label_type]


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"name": " "}, 400, 'Name must be a string of 1 to 255 characters, got ""'),
        ({"name": "a\u202eb"}, 400, "Name must be a string of 1 to 255 visible characters"),
        ({"type": "stars"}, 400, "Type must be one of text, numeric, categorical, star, thumbs_up_down"),
        ({"no_of_stars": "many"}, 400, 'Number of stars must be a whole number from 1 to 1000000000, got "many"'),
        ({"type": "categorical", "options": "one"}, 400, "Options must be a list of at least two options"),
        ({"type": "numeric", "min": "9", "max": "1", "step_size": "1"}, 400, "From must be less than To, got 9 and 1"),
        ({"name": "taken"}, 409, 'A label named "taken" of type Stars without a project exists already'),
        ({"project": str(uuid.uuid4())}, 400, "Project must be the id of a project"),
    ],
)
def test_an_unfit_form_is_a_sentence_and_loses_nothing(
    admin: User, fields: dict[str, str], status: int, sentence: str
) -> None:
    LabelFactory.create(organization=admin.organization, name="Taken")
    answer = log_in(admin).post(reverse("web:new-label"), {**NEW, "description": "Typed <b>text</b>", **fields})
    assert answer.status_code == status
    assert sentence in text_of(answer)
    assert "Typed &lt;b&gt;text&lt;/b&gt;" in answer.content.decode()
    assert Label.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "name", "sentence"),
    [
        ({"name": " "}, "name", "Name must be"),
        ({"no_of_stars": "0"}, "no_of_stars", "Number of stars must be"),
        ({"type": "numeric", "min": "0", "max": "9", "step_size": "0"}, "step_size", "Step must be"),
        ({"type": "numeric", "min": "9", "max": "1", "step_size": "1"}, "min", "From must be less than To"),
        ({"type": "text", "min_length": "9", "max_length": "1"}, "min_length", "Least characters must be less than"),
        ({"type": "categorical", "options": "a\nA"}, "options", "labels and values of options must differ"),
    ],
)
def test_a_sentence_stands_beside_its_field_and_names_it_as_the_form_does(
    admin: User, fields: dict[str, str], name: str, sentence: str
) -> None:
    page = log_in(admin).post(reverse("web:new-label"), {**NEW, **fields}).content.decode()
    [shown] = re.findall(r'<p class="field-error" id="([^"]+)">([^<]+)</p>', page)
    assert (shown[0], shown[1][: len(sentence)]) == (f"{name}-error", sentence)
    assert f'aria-describedby="{name}-error"' in page or f'aria-describedby="{name}-hint {name}-error"' in page


def test_a_taken_name_leads_to_its_label(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization, name="Taken")
    LabelFactory.create(organization=admin.organization, name="Taken", type="text")
    client = log_in(admin)
    link = f'<a href="{path_of(label)}">Open the label <bdi>Taken</bdi></a>'
    assert link in client.post(reverse("web:new-label"), {**NEW, "name": "taken "}).content.decode()
    other = LabelFactory.create(organization=admin.organization, name="TAKEN", deleted_at=clock.now())
    assert link in client.post(path_of(other), {"action": "restore"}).content.decode()


def test_a_label_belongs_to_a_project_of_the_organization(admin: User) -> None:
    project = ProjectFactory.create(organization=admin.organization, name="Support")
    foreign = ProjectFactory.create(name="Elsewhere")
    client = log_in(admin)
    page = client.get(reverse("web:new-label"))
    assert "Support" in text_of(page)
    assert "Elsewhere" not in text_of(page)
    client.post(reverse("web:new-label"), {**NEW, "project": str(project.pk)})
    assert Label.objects.get().project == project
    answer = client.post(reverse("web:new-label"), {**NEW, "project": str(foreign.pk)})
    assert answer.status_code == 400


# Stored labels


@pytest.mark.parametrize("label_type", FORMS)
def test_a_form_that_is_sent_as_it_is_changes_nothing(admin: User, label_type: str) -> None:
    label = LabelFactory.create(organization=admin.organization, type=label_type, description="One\nTwo")
    client = log_in(admin)
    answer = client.post(path_of(label), form_of(client.get(path_of(label))))
    assert answer.status_code == 302
    after = Label.objects.get(pk=label.pk)
    assert [getattr(after, name) for name in ("name", "description", "settings", "allow_notes")] == [
        getattr(label, name) for name in ("name", "description", "settings", "allow_notes")
    ]


def test_settings_without_a_field_and_the_values_of_options_stay(admin: User) -> None:
    options = [{"label": "good", "value": "g", "color": "green"}, {"label": "bad"}]
    settings = {"options": options, "multi_choice": False, "rule_prompt": "Judge!", "auto_annotate": True}
    label = LabelFactory.create(organization=admin.organization, type="categorical", settings=settings)
    client = log_in(admin)
    fields = form_of(client.get(path_of(label))) | {"options": "bad\nfair\ngood", "multi_choice": "true"}
    assert client.post(path_of(label), fields).status_code == 302
    label.refresh_from_db()
    assert label.settings["options"] == [options[1], {"label": "fair"}, options[0]]
    assert (label.settings["rule_prompt"], label.settings["auto_annotate"]) == ("Judge!", True)
    assert label.settings["multi_choice"] is True


def test_settings_that_make_scores_illegal_are_counted_shown_and_forced(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization)
    source = SourceFactory.create(organization=admin.organization, name="Checkout")
    for rating in (2, 4, 5):
        annotator = UserFactory.create(organization=admin.organization, name=f"Rater of {rating}")
        ScoreFactory.create(source=source, label=label, annotator=annotator, value={"rating": rating})
    client = log_in(admin)
    page = client.get(path_of(label))
    assert "keep the scores as they are" not in text_of(page)
    fields = form_of(page) | {"no_of_stars": "3", "description": "Typed"}
    answer = client.post(path_of(label), fields)
    text = text_of(answer)
    assert answer.status_code == 409
    assert "With these settings 2 scores of this label would no longer be legal" in text
    assert "?force=true" not in text
    assert "4 of 5 by Rater of 4 on Checkout" in text
    assert "5 of 5 by Rater of 5 on Checkout" in text
    assert "Typed" in text
    label.refresh_from_db()
    assert label.settings["no_of_stars"] == 5
    assert client.post(path_of(label), fields | {"action": "force"}).status_code == 302
    label.refresh_from_db()
    assert label.settings["no_of_stars"] == 3


def test_options_that_another_admin_added_are_not_lost_without_a_word(admin: User) -> None:
    settings = {"options": ["Yes", "No"], "multi_choice": False}
    label = LabelFactory.create(organization=admin.organization, type="categorical", settings=settings)
    client, other, path = log_in(admin), log_in(admin), path_of(label)

    def made_from(answer: Any) -> str:
        [value] = re.findall('name="made_from" value="([^"]+)"', answer.content.decode())
        return str(value)

    opened = client.get(path)
    stale = form_of(opened) | {"description": "Typed <b>", "made_from": made_from(opened)}
    assert other.post(path, form_of(opened) | {"options": "Yes\nNo\nPerhaps", "allow_notes": "on"}).status_code == 302
    # An error that is mended does not make the form a new one.
    unfit = client.post(path, stale | {"name": ""})
    answer = client.post(path, stale | {"made_from": made_from(unfit)})
    assert answer.status_code == 409
    assert "Stored is Options: Yes, No, Perhaps; Ask for notes: yes. Save again" in text_of(answer)
    assert "Typed &lt;b&gt;" in answer.content.decode()
    stored = Label.objects.get(pk=label.pk)
    assert (len(stored.settings["options"]), stored.description) == (3, label.description)
    assert client.post(path, stale | {"made_from": made_from(answer)}).status_code == 302
    assert len(Label.objects.get(pk=label.pk).settings["options"]) == 2
    # The same form again, as by a double click, replaces nothing.
    assert client.post(path, stale).status_code == 302


def test_a_label_is_deleted_and_restored(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization, name="Tone")
    client = log_in(admin)
    answer = client.post(path_of(label), {"action": "delete"}, follow=True)
    assert "The label Tone is deleted. Its scores stay." in answer.content.decode()
    assert "No labels yet" in text_of(answer)
    assert "Tone" in text_of(client.get(reverse("web:labels"), {"archived": "true"}))
    page = client.get(path_of(label))
    assert "This label was deleted" in text_of(page)
    assert client.post(path_of(label), {"action": "delete"}).status_code == 404
    LabelFactory.create(organization=admin.organization, name="tone")
    taken = client.post(path_of(label), {"action": "restore"})
    assert (taken.status_code, "exists already" in text_of(taken)) == (409, True)
    Label.objects.filter(name="tone").delete()
    assert client.post(path_of(label), {"action": "restore"})["Location"] == path_of(label)
    label.refresh_from_db()
    assert not label.archived


def test_a_label_names_its_queues(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization)
    queue = QueueFactory.create(created_by=admin, name="Triage")
    queue.queue_labels.create(organization=admin.organization, label=label, order=0)
    QueueFactory.create(created_by=admin, name="Other work")
    text = text_of(log_in(admin).get(path_of(label)))
    assert "In the queues Triage active ." in text
    assert "Other work" not in text


def test_the_button_to_delete_a_label_names_the_active_queues_that_lose_it(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization)
    for name, status in (("Triage", "active"), ("Ended", "completed")):
        queue = QueueFactory.create(created_by=admin, name=name, status=status)
        queue.queue_labels.create(organization=admin.organization, label=label, order=0)
    page = log_in(admin).get(path_of(label))
    assert "People judge by this label now, in Triage . Once it is deleted" in text_of(page)
    assert "These active queues lose it: Triage. It takes no new scores" in page.content.decode()
    other = LabelFactory.create(organization=admin.organization)
    assert "People judge by this label now" not in text_of(log_in(admin).get(path_of(other)))


@pytest.mark.parametrize("action", ["save", "force", "delete", "restore", "preview"])
def test_members_and_other_organizations_change_no_label(admin: User, action: str) -> None:
    label = LabelFactory.create(organization=admin.organization, name="Tone")
    if action == "restore":
        delete_label(organization_id=admin.organization_id, label_id=label.pk)
    member, stranger = UserFactory.create(organization=admin.organization), UserFactory.create(role="admin")
    fields = {**NEW, "name": "Taken over", "action": action}
    for person, status in ((member, 403), (stranger, 404)):
        client = log_in(person)
        assert client.post(path_of(label), fields).status_code == status
        assert client.post(path_of(label, "preview-label"), fields).status_code == status
    assert log_in(member).post(reverse("web:new-label"), fields).status_code == 403
    after = Label.objects.get(pk=label.pk)
    assert (after.name, after.archived, Label.objects.count()) == ("Tone", action == "restore", 1)


# Previews


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (NEW, ["Quality", "1 star", "5 stars"]),
        ({**NEW, "type": "categorical", "options": "good\nbad"}, ["good", "bad"]),
        ({**NEW, "type": "thumbs_up_down", "description": "Did it help?"}, ["Up", "Down", "Did it help?"]),
        ({**NEW, "type": "categorical", "options": "good"}, ["Options must be a list of at least two options"]),
        ({**NEW, "type": "numeric", "min": "", "max": "1", "step_size": "1"}, ['From must be a number, got ""']),
        ({**NEW, "type": "no type"}, ["Type must be one of"]),
        ({**NEW, "name": ""}, ["Name of the label"]),
        ({**NEW, "allow_notes": "on"}, ["Notes"]),
    ],
)
def test_a_preview_is_the_field_or_a_sentence(admin: User, fields: dict[str, str], words: list[str]) -> None:
    client = log_in(admin)
    answer = client.post(reverse("web:preview-new-label"), fields)
    assert answer.status_code == 200
    assert "<main" not in answer.content.decode()
    assert [word for word in words if word not in text_of(answer)] == []
    page = client.post(reverse("web:new-label"), {**fields, "action": "preview"})
    assert [word for word in words if word not in text_of(page)] == []
    assert not Label.objects.exists()


def test_a_new_label_has_its_preview_at_once(admin: User) -> None:
    page = text_of(log_in(admin).get(reverse("web:new-label")))
    assert "Name of the label" in page
    assert "5 stars" in page


def test_a_preview_of_a_stored_label_counts_illegal_scores(admin: User) -> None:
    label = LabelFactory.create(organization=admin.organization)
    score = ScoreFactory.create(source__organization=admin.organization, label=label, value={"rating": 5})
    client = log_in(admin)
    same = client.post(path_of(label, "preview-label"), {**NEW, "no_of_stars": "5"})
    assert "no longer be legal" not in text_of(same)
    answer = client.post(path_of(label, "preview-label"), {**NEW, "no_of_stars": "4"})
    assert "With these settings 1 score of this label would no longer be legal" in text_of(answer)
    assert f"5 of 5 by {score.annotator.name}" in text_of(answer)


def test_words_of_people_are_never_markup(admin: User) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    fields = {**NEW, "name": attack, "description": attack, "type": "categorical", "options": f"{attack}\nb"}
    client = log_in(admin)
    pages = [client.post(reverse("web:preview-new-label"), fields), client.post(reverse("web:new-label"), fields)]
    label = Label.objects.get()
    pages += [client.get(reverse("web:labels")), client.get(path_of(label)), client.post(path_of(label), {"name": ""})]
    for page in pages:
        assert "<script>alert" not in page.content.decode()
        assert "<img" not in page.content.decode()


# The list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Tone", "Quality"}),
        ({"search": "ton"}, {"Tone"}),
        ({"type": "categorical"}, {"Tone"}),
        ({"archived": "true"}, {"Gone"}),
        ({"search": "nothing"}, set()),
    ],
)
def test_labels_are_found_by_name_type_and_state(admin: User, query: dict[str, str], found: set[str]) -> None:
    organization = admin.organization
    LabelFactory.create(organization=organization, name="Tone", type="categorical")
    LabelFactory.create(organization=organization, name="Quality")
    gone = LabelFactory.create(organization=organization, name="Gone")
    delete_label(organization_id=organization.pk, label_id=gone.pk)
    LabelFactory.create(name="Tone of others")
    for person in (admin, UserFactory.create(organization=organization)):
        text = text_of(log_in(person).get(reverse("web:labels"), query))
        assert {name for name in ("Tone", "Quality", "Gone") if re.search(rf"\b{name}\b", text)} == found
        assert "of others" not in text


def test_an_unusable_filter_is_a_sentence_on_the_page(admin: User) -> None:
    answer = log_in(admin).get(reverse("web:labels"), {"type": "stars"})
    assert (answer.status_code, "type must be one of" in text_of(answer)) == (400, True)


def test_a_page_of_labels_costs_the_same_statements_for_each_number(
    admin: User, django_assert_num_queries: Any
) -> None:
    project = ProjectFactory.create(organization=admin.organization)
    client = log_in(admin)
    for number in (1, 9):
        for _ in range(number):
            label = LabelFactory.create(organization=admin.organization, project=project)
            ScoreFactory.create_batch(2, source__organization=admin.organization, label=label)
        with django_assert_num_queries(5):  # session, user, number of labels, labels, numbers of scores
            page = client.get(reverse("web:labels"))
    assert text_of(page).count("2 scores of Label") == 10


# In Chromium
