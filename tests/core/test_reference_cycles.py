"""Reference cycles of a bulk request: none of its entries and scores."""

import gc
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.paginator import Page

from config.wsgi import application
from modelhub.accounts.models import Organization
from modelhub.core import exact_json
from modelhub.core.downloads import one_after_the_other
from modelhub.labels.models import Label
from modelhub.sources.models import Source
from modelhub.sources.views import Sources
from tests.client import BULK, Caller, entry
from tests.factories import SECRET, SourceFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def pages_and_views() -> int:
    """Count the objects of lists; the test client of an earlier test may hold some."""
    return sum(issubclass(type(each), Page | Sources) for each in gc.get_objects())


def bulk(caller: Caller, body: object) -> str:
    return send(caller, "POST", BULK, exact_json.encode(body))


def send(caller: Caller, method: str, path: str, content: bytes = b"") -> str:
    """Call the WSGI application; the test client keeps requests alive."""
    status: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_X_API_KEY": caller.key.api_key,
        "HTTP_X_SECRET_KEY": SECRET,
        "wsgi.input": io.BytesIO(content),
        "wsgi.url_scheme": "http",
    }
    response = application(environ, lambda line, *_: status.append(line))
    list(response)
    response.close()  # type: ignore[attr-defined]
    return status[0].partition(" ")[0]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("rating", "status"), [(4, "201"), (9, "200")])
def test_a_bulk_request_leaves_no_cycles_of_its_scores(
    alice: Caller, trace: Source, labels: dict[str, Label], rating: int, status: str
) -> None:
    left = []
    for size in (2, 200):
        scores = [entry(label, rating) for label in (labels["star"],) * size]
        body = {"source_type": "trace", "source_id": trace.source_id, "scores": scores}
        bulk(alice, body)
        gc.collect()
        assert bulk(alice, body) == status
        left.append(gc.collect())

    # The messages of the admin refer to the request, which refers to them.
    assert left[0] == left[1] < 70


@pytest.mark.usefixtures("no_collector")
def test_a_list_leaves_no_cycles_of_its_rows(alice: Caller, organization: Organization) -> None:
    SourceFactory.create_batch(20, organization=organization)
    gc.collect()
    before = pages_and_views()
    assert send(alice, "GET", "/model-hub/sources/") == "200"
    assert pages_and_views() == before


def test_an_aborted_export_holds_no_pieces() -> None:
    """Its response stays in a cycle with the request until a collection."""
    first = [b"1", b"2"]
    before = sys.getrefcount(first)
    stream = one_after_the_other(first, iter([b"3"]))
    assert next(stream) == b"1"
    stream.close()
    assert sys.getrefcount(first) == before
