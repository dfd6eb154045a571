"""The server's paths, and those of the subjects that it is compared with."""

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.bare import BareScores
from benchmarks.textbook import TextbookScores
from config.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@cache
def static_json(size: int) -> bytes:
    """A JSON string of so many bytes."""
    return b'"' + b"x" * (size - 2) + b'"'


@csrf_exempt
def floor(request: HttpRequest, size: int) -> HttpResponse:
    """What HTTP alone costs: reads the body, answers so many bytes; no key, no database, no JSON."""
    assert request.body
    return HttpResponse(static_json(size), content_type="application/json", status=201)


urlpatterns = [
    path("floor/<int:size>/", floor),
    path("textbook/scores/bulk/", TextbookScores.as_view()),
    path("bare/scores/bulk/", BareScores.as_view()),
    path("", include("config.urls")),
]
