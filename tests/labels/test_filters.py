import uuid

import pytest

from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import LabelFactory, ProjectFactory, ScoreFactory

pytestmark = pytest.mark.django_db

LABELS = "/model-hub/annotations-labels/"


def test_filters_select_labels(alice: Caller) -> None:
    project = ProjectFactory.create(organization=alice.user.organization)
    star = LabelFactory.create(organization=alice.user.organization, name="Quality")
    text = LabelFactory.create(organization=alice.user.organization, name="Why", type="text", project=project)
    for query, expected in [
        ("type=text", [text]),
        ("search=QUAL", [star]),
        (f"project_id={project.pk}", [text]),
        (f"project_id={uuid.uuid4()}", []),
        ("search=qual&type=text", []),
        (f"projectId={project.pk.hex}&dataset=x", [text]),
    ]:
        assert [label["id"] for label in alice.get(f"{LABELS}?{query}").body["results"]] == [
            str(label.pk) for label in expected
        ]


@pytest.mark.parametrize("query", ["type=robot", "project_id=x", "archived=perhaps", "archived=", "types=text"])
def test_an_unusable_filter_is_a_400(alice: Caller, query: str) -> None:
    assert alice.get(f"{LABELS}?{query}").status == 400


def test_usage_counts_are_numbers_of_live_scores(alice: Caller, trace: Source) -> None:
    label = LabelFactory.create(organization=alice.user.organization)
    ScoreFactory.create(source=trace, label=label)
    ScoreFactory.create(source__organization=alice.user.organization, source__source_type="span", label=label)
    gone = ScoreFactory.create(source=trace, label=label, annotator=alice.user)
    alice.delete(f"/model-hub/scores/{gone.pk}/")

    [counted] = alice.get(LABELS + "?include_usage_count=true").body["results"]
    assert (counted["annotation_count"], counted["trace_annotations_count"]) == (2, 1)
    assert "annotation_count" not in alice.get(LABELS).body["results"][0]
