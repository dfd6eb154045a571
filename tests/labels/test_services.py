"""PUT, PATCH, DELETE and restore of labels, and their effect on scores."""

import time
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.labels.models import Label
from modelhub.scores.models import Score
from modelhub.sources.models import Source
from tests.client import Caller, entry
from tests.factories import LabelFactory, ProjectFactory, ScoreFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


@pytest.fixture
def label(alice: Caller) -> Label:
    return LabelFactory.create(organization=alice.user.organization, name="Quality", description="d")


def path(label: Label) -> str:
    return f"{LABELS}{label.pk}/"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_only_the_given_fields_change(alice: Caller, label: Label, method: str) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    answer = alice.request(method, path(label), {"name": "Better", "allowNotes": True, "project": str(project.pk)})

    assert answer.status == 200
    changed = {key: answer.body[key] for key in ("name", "description", "allow_notes", "project", "type", "settings")}
    assert changed == {
        "name": "Better",
        "description": "d",
        "allow_notes": True,
        "project": str(project.pk),
        "type": "star",
        "settings": {"no_of_stars": 5},
    }
    assert answer.body["updated_at"] > answer.body["created_at"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "text"}, "type"),
        ({"name": ""}, "name"),
        ({"settings": {"stars": 5}}, "settings"),
        ({"allow_notes": None}, "allow_notes"),
        ({"project": str(uuid.uuid4())}, "project"),
    ],
)
def test_an_unfit_field_is_a_400(alice: Caller, label: Label, change: dict[str, Any], field: str) -> None:
    answer = alice.patch(path(label), change)
    assert (answer.status, list(answer.body["errors"])) == (400, [field])


def test_the_stored_type_may_be_sent_again(alice: Caller, label: Label) -> None:
    assert alice.put(path(label), {"name": "Quality", "type": "star"}).status == 200


def test_a_taken_name_is_rejected(alice: Caller, label: Label) -> None:
    LabelFactory.create(organization=alice.user.organization, name="Other")
    answer = alice.patch(path(label), {"name": "OTHER"})
    assert (answer.status, answer.body["code"], list(answer.body["errors"])) == (409, "duplicate", ["name"])


def test_settings_under_which_scores_are_illegal_need_force(alice: Caller, trace: Source, label: Label) -> None:
    ScoreFactory.create(source=trace, label=label, annotator=alice.user, value={"rating": 5})
    ScoreFactory.create(source=trace, label=label, value={"rating": 2})
    narrower = {"settings": {"no_of_stars": 3}}

    refused = alice.patch(path(label), narrower)
    assert (refused.status, refused.body["code"]) == (409, "scores_affected")
    assert refused.body["detail"] == (
        "With these settings 1 score of this label would no longer be legal; repeat the request with ?force=true "
        "to change the settings and keep the scores as they are"
    )
    assert alice.get(path(label)).body["settings"] == {"no_of_stars": 5}

    assert alice.patch(path(label) + "?force=true", narrower).status == 200
    assert alice.get(path(label)).body["settings"] == {"no_of_stars": 3}
    assert sorted(score.value["rating"] for score in Score.objects.all()) == [2, 5]
    assert alice.bulk(trace, [entry(label, 5)]).body["scores"] == []


def test_settings_are_checked_against_all_scores_with_as_many_statements_as_against_one(
    alice: Caller, trace: Source, label: Label
) -> None:
    counts = []
    for scores, stars in ((1, 6), (9, 7)):
        ScoreFactory.create_batch(scores, source=trace, label=label, value={"rating": 5})
        with CaptureQueriesContext(connection) as captured:
            assert alice.patch(path(label), {"settings": {"no_of_stars": stars}}).status == 200
        counts.append(len(captured))
    # The first request records the use of the key.
    assert counts[1] == counts[0] - 1


class TestSettings:
    """PATCH merges, PUT replaces (contract 0.11)."""

    @pytest.fixture
    def numeric(self, alice: Caller) -> Label:
        settings = {"min": 1, "max": 5, "step_size": Decimal("0.5"), "display_type": "button", "unit": "points"}
        return LabelFactory.create(organization=alice.user.organization, type="numeric", settings=settings)

    def test_patch_keeps_the_settings_that_are_not_given(self, alice: Caller, numeric: Label) -> None:
        answer = alice.patch(path(numeric), {"settings": {"max": 9}})
        assert answer.status == 200
        assert answer.body["settings"] == numeric.settings | {"max": 9}
        assert alice.patch(path(numeric), {"settings": {}}).body["settings"] == answer.body["settings"]

    def test_put_gives_the_others_their_defaults(self, alice: Caller, numeric: Label) -> None:
        answer = alice.put(path(numeric), {"settings": {"max": 9}})
        assert answer.body["settings"] == {"min": 0, "max": 9, "step_size": 1, "display_type": "slider"}

    def test_the_merged_settings_are_checked_as_a_whole(self, alice: Caller, numeric: Label) -> None:
        answer = alice.patch(path(numeric), {"settings": {"max": 1}})
        assert (answer.status, answer.body["message"]) == (400, "min must be less than max, got 1 and 1")
        assert list(answer.body["errors"]) == ["settings"]

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_null_is_a_400(self, alice: Caller, numeric: Label, method: str) -> None:
        answer = alice.request(method, path(numeric), {"settings": None})
        assert (answer.status, answer.body["message"]) == (400, "settings must be an object, got null")

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_misspelled_key_is_a_400(self, alice: Caller, numeric: Label, method: str) -> None:
        answer = alice.request(method, path(numeric), {"settings": {"max": 9, "step": 2}})
        assert (answer.status, answer.body["code"], list(answer.body["errors"])) == (
            400,
            "unknown_setting",
            ["settings"],
        )
        assert answer.body["message"].endswith('Did you mean "step_size"?')

    def test_patch_completes_settings_that_were_stored_incomplete(self, alice: Caller) -> None:
        label = LabelFactory.create(organization=alice.user.organization, type="numeric", settings={"max": 5})
        answer = alice.patch(path(label), {"settings": {"min": 1}})
        assert answer.body["settings"] == {"min": 1, "max": 5, "step_size": 1, "display_type": "slider"}

    def test_options_are_replaced_as_a_whole(self, alice: Caller) -> None:
        settings = {"options": ["a", "b"], "multi_choice": True}
        body = {"name": "Kind", "type": "categorical", "settings": settings}
        made = alice.post(LABELS, body).body["result"]
        answer = alice.patch(f"{LABELS}{made['id']}/", {"settings": {"options": ["c", "d"]}})
        assert answer.body["settings"] == made["settings"] | {"options": [{"label": "c"}, {"label": "d"}]}

    def test_scores_that_are_illegal_already_need_no_force_again(
        self, alice: Caller, trace: Source, label: Label
    ) -> None:
        ScoreFactory.create(source=trace, label=label, value={"rating": 5})
        assert alice.patch(path(label) + "?force=true", {"settings": {"no_of_stars": 3}}).status == 200
        assert alice.patch(path(label), {"settings": {"no_of_stars": 3, "colour": "gold"}}).status == 200
        assert alice.patch(path(label), {"settings": {"no_of_stars": 2}}).status == 200
        ScoreFactory.create(source=trace, label=label, value={"rating": 2})
        assert alice.patch(path(label), {"settings": {"no_of_stars": 1}}).body["code"] == "scores_affected"


def test_judging_the_scores_of_a_label_ends_at_the_timeout(
    alice: Caller, trace: Source, label: Label, monkeypatch: pytest.MonkeyPatch
) -> None:
    ScoreFactory.create(source=trace, label=label, value={"rating": 5})
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)
    monkeypatch.setattr("modelhub.labels.rules.time", later)
    answer = alice.patch(path(label), {"settings": {"no_of_stars": 3}})
    assert (answer.status, answer.body["code"]) == (503, "too_slow")
    assert "?force=true" in answer.body["message"]
    assert Label.objects.get().settings == {"no_of_stars": 5}
    assert alice.patch(path(label) + "?force=true", {"settings": {"no_of_stars": 3}}).status == 200


def test_wider_settings_need_no_force(alice: Caller, trace: Source, label: Label) -> None:
    ScoreFactory.create(source=trace, label=label, value={"rating": 5})
    assert alice.patch(path(label), {"settings": {"no_of_stars": 10}}).status == 200


def test_a_misspelled_force_changes_nothing(alice: Caller, label: Label) -> None:
    assert alice.patch(path(label) + "?forced=true", {"name": "x"}).status == 400


class TestDeletingAndRestoring:
    def test_a_deleted_label_keeps_its_scores_and_takes_no_new_ones(
        self, alice: Caller, bob: Caller, trace: Source, label: Label
    ) -> None:
        old = alice.bulk(trace, [entry(label, 4)]).body["scores"][0]
        answer = alice.delete(path(label), {})
        assert (answer.status, answer.body) == (200, {"deleted": True})

        refused = bob.bulk(trace, [entry(label, 4)], "?error_details=true").body
        assert refused["error_details"][0]["code"] == "label_deleted"
        assert refused["errors"] == [
            f"scores[0]: Label {label.pk} (Quality, star): the label was deleted and takes no new scores"
        ]
        assert alice.get(f"/model-hub/scores/{old['id']}/").body["label_name"] == "Quality"

    def test_a_deleted_label_is_listed_as_archived_only(self, alice: Caller, label: Label) -> None:
        other = LabelFactory.create(organization=alice.user.organization)
        alice.delete(path(label))

        for answer in (
            alice.get(path(label)),
            alice.delete(path(label)),
            alice.put(path(label), {}),
        ):
            assert answer.status == 404
        for query, expected in [
            ("", [other]),
            ("?include_archived=true", [other, label]),
            ("?archived=true", [label]),
            ("?archived=false", [other]),
        ]:
            results = alice.get(LABELS + query).body["results"]
            assert [(one["id"], one["archived"]) for one in results] == [
                (str(one.pk), one is label) for one in expected
            ]

    def test_a_deleted_label_is_restored_once(self, alice: Caller, label: Label) -> None:
        assert alice.post(path(label) + "restore/").status == 404
        alice.delete(path(label))
        answer = alice.post(path(label) + "restore/")
        assert (answer.status, answer.body["archived"]) == (200, False)
        assert alice.get(path(label)).status == 200

    def test_a_label_is_not_restored_while_its_name_is_taken(self, alice: Caller, label: Label) -> None:
        alice.delete(path(label))
        LabelFactory.create(organization=alice.user.organization, name="quality")
        answer = alice.post(path(label) + "restore/", {})
        assert (answer.status, answer.body["code"], list(answer.body["errors"])) == (409, "duplicate", ["name"])

    def test_a_label_of_another_organization_does_not_exist(self, alice: Caller, charlie: Caller, label: Label) -> None:
        for method in ("PUT", "PATCH", "DELETE"):
            assert charlie.request(method, path(label), {}).status == 404
        alice.delete(path(label))
        assert charlie.post(path(label) + "restore/").status == 404
