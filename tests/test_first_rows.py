"""The rows that a new organization begins with."""

from modelhub.accounts.models import Organization
from modelhub.first_rows import create_first_rows
from modelhub.labels.types import LABEL_TYPES, get_type


def test_there_is_a_label_of_each_type_as_its_service_stores_it(organization: Organization) -> None:
    labels = create_first_rows(organization.pk).labels
    assert {label.type for label in labels} == set(LABEL_TYPES)
    for label in labels:
        assert get_type(label.type).check_settings(label.settings) == label.settings
