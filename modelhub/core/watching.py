"""The page `/metrics` for Prometheus."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from modelhub.core import metrics
from modelhub.core.problems import problem_response


def show_metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers; 401 for a wrong token, 404 without one."""
    if not settings.METRICS_TOKEN:
        raise Http404
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode("utf-8", "surrogatepass"), wanted):
        sentence = "Authentication required: send Authorization: Bearer <token>."
        return problem_response(401, sentence, code="not_authenticated", headers={"WWW-Authenticate": "Bearer"})
    text = metrics.exposition(version=str(settings.SPECTACULAR_SETTINGS["VERSION"]))
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE)
