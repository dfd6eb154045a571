"""The admin's pages of sources."""

from typing import Any

import pytest
from django.test import Client

from modelhub.sources.models import Source
from tests.client import Caller, listed_ids
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

PATH = "/admin/modelhub/source/"


def found(staff: Client, **query: Any) -> set[str]:
    return listed_ids(staff, PATH, **query)


def test_search_and_filters(staff: Client, trace: Source, charlie: Caller) -> None:
    span = SourceFactory.create(organization=trace.organization, source_type="span", source_id="a span")
    theirs = SourceFactory.create(organization=charlie.user.organization, source_id="theirs")
    assert found(staff) == {str(trace.pk), str(span.pk)}
    assert found(staff, q="theirs") == {str(theirs.pk)}
    assert found(staff, q=trace.source_id.upper()) == found(staff, q=trace.pk) == {str(trace.pk)}
    assert found(staff, q="a") == set()
    assert found(staff, source_type="span") == {str(span.pk)}
    assert found(staff, to="2020-01-01") == set()
    assert found(staff, organization="", source_type="trace") == {str(trace.pk), str(theirs.pk)}


def test_a_source_shows_its_metadata(staff: Client, trace: Source) -> None:
    Source.objects.filter(pk=trace.pk).update(metadata={"model": "<m>"}, name="A name")
    text = staff.get(f"{PATH}{trace.pk}/change/").content.decode()
    assert "{&quot;model&quot;:&quot;&lt;m&gt;&quot;}" in text
    assert "A name" in text
