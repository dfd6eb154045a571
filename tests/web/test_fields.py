"""Labels as fields of a form: filled in, posted, stored, and with their errors."""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import QueryDict

from modelhub.accounts.people import Actor
from modelhub.core.errors import Invalid
from modelhub.queues.annotating import InvalidAnnotations, submit_annotations
from modelhub.queues.ending import complete_item
from modelhub.queues.models import Item, QueueLabel
from modelhub.queues.own_work import OwnScore, lock_own_work
from modelhub.scores.models import Score, ScoreRevision
from modelhub.web.fields import (
    NOT_REMOVED,
    NOTES_ALONE,
    REQUIRED,
    Field,
    add_errors,
    add_missing,
    entries_of,
    has_errors,
    open_fields,
    read_fields,
)
from tests.factories import ItemFactory, LabelFactory, QueueFactory, QueueLabelFactory, QueueMemberFactory
from tests.web.field_rows import OPTIONS, field_of, preview, queue_label, render

HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202eevil</textarea></script><script>alert(1)</script>"
VISIBLE = HOSTILE.replace("\u202e", "")


def posted(**fields: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def post(label: QueueLabel, value: object, notes: str | None = None, *, stored: OwnScore | None = None) -> Field:
    """Return the field of a label after a form was posted."""
    data = posted(**{f"value-{label.label_id}": value})
    if notes is not None:
        data[f"notes-{label.label_id}"] = notes
    [opened] = open_fields([label], [])
    [field] = read_fields([label], [], data)
    assert opened.stored is None
    if stored is None:
        return field
    return replace(field, stored=stored, error="").checked()


def content(field: Field) -> object:
    [entry] = entries_of([field])
    return entry["value"]


def test_the_strings_of_a_form_become_the_entry_of_a_label() -> None:
    label = queue_label("star")
    assert entries_of([post(label, "4")]) == [{"label_id": str(label.label_id), "value": 4}]


def test_notes_are_sent_where_the_label_allows_them() -> None:
    assert "notes" not in entries_of([post(queue_label("star"), "4", "well\r\ndone")])[0]
    assert entries_of([post(queue_label("star", allow_notes=True), "4", "well\r\ndone")])[0]["notes"] == "well\ndone"


def test_an_unchanged_value_is_sent_as_it_is_stored() -> None:
    label = queue_label("categorical", {**OPTIONS, "multi_choice": True})
    stored = OwnScore("", {"selected": ["negative", "mixed"], "confidence": 0.5}, "")
    assert content(post(label, ["mixed", "negative"], stored=stored)) == ["mixed", "negative"]
    assert content(post(label, ["negative", "mixed"], stored=stored)) == stored.value
    text = OwnScore("", {"text": "one\r\ntwo", "language": "en"}, "")
    assert content(post(queue_label("text"), "one\r\ntwo", stored=text)) == text.value


def test_a_stored_answer_that_was_removed_is_an_error_and_filled_in_again() -> None:
    field = post(queue_label("text"), "", stored=OwnScore("", {"text": "good"}, ""))
    assert (field.error, field.strings) == (NOT_REMOVED, ["good"])
    assert has_errors([field])


def test_notes_without_an_answer_are_an_error() -> None:
    label = queue_label("star", allow_notes=True)
    assert post(label, [], "why").error == NOTES_ALONE
    assert not post(label, [], "").error
    assert not post(label, "4", "why").error


def test_a_stored_value_that_the_settings_reject_by_now_is_shown_and_stays() -> None:
    stored = OwnScore("", {"rating": 7}, "why")
    field = post(queue_label("star", allow_notes=True), [], "why", stored=stored)
    assert (field.outdated, field.error, field.entry()) == ("7 of 5", "", None)
    assert "7 of 5" in render(field)
    changed = replace(field, notes="other")
    assert changed.entry() == {"label_id": field.id, "value": {"rating": 7}, "notes": "other"}
    assert content(replace(field, strings=["4"])) == 4


def test_a_label_with_unfit_settings_has_a_sentence_in_place_of_a_field() -> None:
    label = queue_label("star", required=True)
    label.label.settings = {"no_of_stars": "many"}
    html = render(field_of(label))
    assert "no_of_stars must be a whole number" in html
    assert "<input" not in html
    assert entries_of([post(label, "4")]) == []


@pytest.fixture
def item(db: None) -> Item:
    queue = QueueFactory.create()
    QueueMemberFactory.create(queue=queue, user=queue.created_by)
    return ItemFactory.create(queue=queue)


def actor_of(item: Item) -> Actor:
    return Actor(item.queue.created_by, ("read", "annotate"))


def attach(item: Item, label_type: str, *, required: bool = False, **more: Any) -> QueueLabel:
    label = LabelFactory.create(organization=item.organization, type=label_type, **more)
    return QueueLabelFactory.create(queue=item.queue, label=label, required=required)


def opened(item: Item) -> list[Field]:
    actor = actor_of(item)
    work = lock_own_work(actor=actor, queue_id=item.queue_id, item_id=item.pk)
    return open_fields(work.labels, work.scores)


def submit(item: Item, **values: Any) -> list[Field]:
    """Post a form; keys are positions of labels, as in `_0`, and of notes, as in `notes_0`."""
    actor = actor_of(item)
    work = lock_own_work(actor=actor, queue_id=item.queue_id, item_id=item.pk)
    labels, scores = work.labels, work.scores
    ids = [str(label.label_id) for label in labels]
    data = posted(
        **{
            f"{name.rpartition('_')[0] or 'value'}-{ids[int(name.rpartition('_')[2])]}": value
            for name, value in values.items()
        }
    )
    fields = read_fields(labels, scores, data)
    assert not has_errors(fields)
    submit_annotations(actor=actor, queue_id=item.queue_id, item_id=item.pk, entries=entries_of(fields), notes=None)
    return fields


def test_posted_values_are_stored_and_filled_in_again(item: Item) -> None:
    attach(item, "star", allow_notes=True)
    attach(item, "numeric")
    attach(item, "categorical")
    attach(item, "text")
    attach(item, "thumbs_up_down")
    submit(item, _0="4", notes_0="why", _1="7.0", _2="neutral", _3="one\r\ntwo", _4="down")
    assert Score.objects.count() == 5
    fields = opened(item)
    assert [list(field.strings) for field in fields] == [["4"], ["7.0"], ["neutral"], ["one\ntwo"], ["down"]]
    assert [field.notes for field in fields] == ["why", "", "", "", ""]


def test_a_form_that_is_posted_again_without_a_change_writes_nothing(item: Item) -> None:
    attach(item, "categorical")
    attach(item, "text")
    for _ in range(2):
        submit(item, _0="neutral", _1="one\r\ntwo")
    assert (Score.objects.count(), ScoreRevision.objects.count()) == (2, 0)
    submit(item, _0="positive", _1="one\r\ntwo")
    assert ScoreRevision.objects.count() == 1


def test_notes_that_were_emptied_are_cleared(item: Item) -> None:
    attach(item, "star", allow_notes=True)
    submit(item, _0="4", notes_0="why")
    submit(item, _0="4", notes_0="")
    assert Score.objects.get().notes == ""


def test_each_error_of_a_submit_is_shown_in_its_own_field(item: Item) -> None:
    labels = [attach(item, "star"), attach(item, "text"), attach(item, "numeric", allow_notes=True)]
    data = posted(
        **{
            f"value-{labels[0].label_id}": "9",
            f"value-{labels[1].label_id}": "good",
            f"value-{labels[2].label_id}": "7,5",
        }
    )
    fields = read_fields(labels, [], data)
    with pytest.raises(InvalidAnnotations) as invalid:
        submit_annotations(
            actor=actor_of(item), queue_id=item.queue_id, item_id=item.pk, entries=entries_of(fields), notes=None
        )
    assert [field.error for field in add_errors(fields, invalid.value)] == [
        "rating must be a whole number from 1 to 5, got 9",
        "",
        'value must be a number, got "7,5"',
    ]
    assert Score.objects.count() == 0


def test_a_required_label_without_an_answer_has_an_error(item: Item) -> None:
    attach(item, "star", required=True)
    attach(item, "text")
    submit(item, _1="good")
    completion = complete_item(actor=actor_of(item), queue_id=item.queue_id, item_id=item.pk)
    fields = add_missing(opened(item), completion.missing_labels)
    assert [field.error for field in fields] == [REQUIRED, ""]


class Elements(HTMLParser):
    """The names of elements, the names of attributes, and all ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"aria-describedby", "aria-labelledby"}:
                self.references += (value or "").split()


TYPES: dict[str, dict[str, Any]] = {
    "star": {},
    "star-many": {"no_of_stars": 10**9},
    "numeric": {},
    "numeric-button": {"display_type": "button"},
    "numeric-digits": {"max": 10**30},
    "text": {"placeholder": HOSTILE},
    "thumbs_up_down": {},
    "categorical": OPTIONS,
    "categorical-many": {
        "options": [f"{at} {HOSTILE}".replace("\u202e", "") for at in range(60)],
        "multi_choice": True,
    },
}


def hostile_field(case: str) -> Field:
    name = case.partition("-")[0]
    field = preview(name, TYPES[case], name=HOSTILE, description=HOSTILE, allows_notes=True)
    return replace(field, notes=HOSTILE, strings=[HOSTILE], required=True, error=HOSTILE)


@pytest.mark.parametrize("case", TYPES)
def test_nothing_that_a_user_wrote_becomes_an_element_and_no_style_or_script_is_inline(case: str) -> None:
    found = Elements(render(hostile_field(case)))
    assert not found.tags & {"img", "script", "style"}
    assert not {name for name in found.attributes if name.startswith("on") or name == "style"}


@pytest.mark.parametrize("case", TYPES)
def test_each_id_is_unique_and_each_reference_has_an_element(case: str) -> None:
    found = Elements(render(hostile_field(case)))
    assert sorted(set(found.ids)) == sorted(found.ids)
    assert set(found.references) <= set(found.ids)


def test_a_preview_of_unfit_settings_is_an_error() -> None:
    with pytest.raises(Invalid, match="no_of_stars must be a whole number"):
        preview("star", {"no_of_stars": 0}, name="Quality")
