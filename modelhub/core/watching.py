"""`/metrics`: the numbers of all workers, for a Prometheus that knows the token."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from modelhub.core import metrics
from modelhub.core.problems import problem_response


def show_metrics(request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus; 401 for another token, 404 where `MODELHUB_METRICS_TOKEN` is not set."""
    if not settings.METRICS_TOKEN:
        raise Http404
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode("utf-8", "surrogatepass"), wanted):
        sentence = "The numbers are for who sends Authorization: Bearer <token>."
        return problem_response(401, sentence, code="not_authenticated", headers={"WWW-Authenticate": "Bearer"})
    text = metrics.exposition(version=str(settings.SPECTACULAR_SETTINGS["VERSION"]))
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE)
