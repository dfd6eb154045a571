"""The rows that a new organization begins with."""

from typing import Any

from modelhub.accounts.models import Organization
from modelhub.core import exact_json
from modelhub.first_rows import FIRST_SOURCES, create_first_rows
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.sources.models import Source


def test_there_is_a_label_of_each_type_as_its_service_stores_it(organization: Organization) -> None:
    labels = create_first_rows(organization.pk).labels
    assert {label.type for label in labels} == set(LABEL_TYPES)
    for label in labels:
        assert get_type(label.type).check_settings(label.settings) == label.settings


def test_each_source_has_a_content_to_judge(organization: Organization) -> None:
    create_first_rows(organization.pk)
    stored: dict[str, Any] = dict(Source.objects.values_list("source_type", "content"))
    assert exact_json.same(stored, exact_json.loads(exact_json.dumps(FIRST_SOURCES)))
    assert [message["role"] for message in stored["trace"]["messages"]][:2] == ["system", "user"]
    assert {"input", "output"} == stored["generation"].keys() == stored["span"].keys()
