"""Registration of many sources, of which a trigger rejects some."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from modelhub.accounts.models import Organization
from modelhub.core.errors import Invalid, Refused
from modelhub.sources.models import Source
from modelhub.sources.refs import SourceEntry, check_source_ref
from modelhub.sources.services import register_sources
from tests.client import execute, refuse_thirteen

pytestmark = pytest.mark.django_db(transaction=True)

TRIGGER = refuse_thirteen("modelhub_source", "NEW.name = '13'")


@pytest.fixture
def refuses_thirteen() -> Iterator[None]:
    execute(TRIGGER)
    yield
    execute("DROP FUNCTION refuse_thirteen CASCADE")


def entries(count: int, name: str = "") -> list[SourceEntry | Refused]:
    return [
        SourceEntry(check_source_ref("span", f"span-{number}"), name=name or str(number)) for number in range(count)
    ]


@pytest.mark.usefixtures("refuses_thirteen")
def test_a_source_that_the_database_refuses_fails_alone(organization: Organization) -> None:
    results = register_sources(organization_id=organization.pk, entries=entries(20))

    refused = results.pop(13)
    assert isinstance(refused, Refused)
    assert (str(refused), refused.code) == ("The database refused this source", "database_refused")
    assert [str(result) for result in results] == [f"span span-{n}" for n in range(20) if n != 13]
    assert Source.objects.count() == 19


@pytest.mark.usefixtures("refuses_thirteen")
def test_a_refused_update_leaves_the_stored_name(organization: Organization) -> None:
    register_sources(organization_id=organization.pk, entries=entries(20, name="before"))
    register_sources(organization_id=organization.pk, entries=entries(20))

    assert Source.objects.get(source_key="span-13").name == "before"
    assert Source.objects.get(source_key="span-12").name == "12"


def test_an_error_among_the_entries_is_its_result(organization: Organization) -> None:
    error = Invalid("A source must be an object, got 7")
    [first, second] = register_sources(organization_id=organization.pk, entries=[error, *entries(1)])

    assert first is error
    assert isinstance(second, Source)
    assert second.is_new


def test_no_valid_entry_needs_no_statement(organization: Organization) -> None:
    with CaptureQueriesContext(connection) as captured:
        register_sources(organization_id=organization.pk, entries=[Invalid("wrong")])
    assert len(captured) == 0
