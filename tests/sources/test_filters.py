import pytest

from modelhub.sources.models import Source
from tests.client import Caller
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

SOURCES = "/model-hub/sources/"


def test_filters_select_sources(alice: Caller, trace: Source) -> None:
    span = SourceFactory.create(organization=alice.user.organization, source_type="span", name="Chat of Ann")
    for query, expected in [
        ("source_type=observation_span", [span]),
        (f"source_id={trace.source_id.upper()}", [trace]),
        ("search=OF%20ann", [span]),
        ("source_type=trace&search=ann", []),
        ("sourceType=span&pageSize=5", [span]),
        ("search=&dataset=ignored", [span, trace]),
    ]:
        results = alice.get(f"{SOURCES}?{query}").body["results"]
        assert [source["id"] for source in results] == [str(source.pk) for source in expected], query


def test_an_unknown_word_for_a_type_is_a_400(alice: Caller) -> None:
    answer = alice.get(SOURCES + "?source_type=robot")
    assert answer.status == 400
    assert "source_type" in answer.body["errors"]


def test_an_unknown_filter_is_a_400(alice: Caller) -> None:
    answer = alice.get(SOURCES + "?source_typ=trace")
    sentence = 'Unknown query parameter "source_typ". Did you mean "source_type"?'
    assert (answer.status, answer.body["code"]) == (400, "unknown_query_parameter")
    assert answer.body["errors"] == {"source_typ": [sentence]}
