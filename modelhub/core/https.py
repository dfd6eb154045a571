"""HTTPS only, behind a proxy that ends TLS: `MODELHUB_HTTPS` (contract 0.13)."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from modelhub.core.middleware import PROBES
from modelhub.core.problems import problem_response

# Paths that browsers open. All others are refused, unknown ones included: they may carry keys to a misspelled path.
PAGE = re.compile(r"/|/favicon\.ico|/(admin|docs|schema|static)(/.*)?", re.DOTALL)
# A parameter of `Forwarded`, or the comma between two hops. Quoted values may contain either.
FORWARDED = re.compile(r'([\w-]+)=(?:"((?:[^"\\]|\\.)*)"?|([^\s,;"]*))|,')
PLAIN_HTTP = (
    "The API needs https:// in its URL. This request came over plain HTTP, where others can read its API key: "
    "replace a key that was sent."
)


class HttpsMiddleware:
    """Refuse plain HTTP: 403 for the API, which no redirect can save, 308 for pages.

    Sets the scheme of the request, which cookies, links and HSTS depend on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_https(request):
            request.META["wsgi.url_scheme"] = "https"
        elif request.path not in PROBES:
            if PAGE.fullmatch(request.path):
                url = f"https://{request.get_host()}{request.get_full_path()}"
                return HttpResponsePermanentRedirect(url, preserve_request=True)
            return problem_response(request, 403, PLAIN_HTTP, code="https_required")
        return self.get_response(request)


def is_https(request: HttpRequest) -> bool:
    """Check that `X-Forwarded-Proto` or `Forwarded` (RFC 7239) names https, or both.

    Of several hops the outermost of `MODELHUB_TRUSTED_PROXIES` counts: a client writes further ones itself.
    """
    given = [part.strip() for part in request.headers.get("X-Forwarded-Proto", "").split(",")]
    hops = [given, _forwarded_protos(request.headers.get("Forwarded", ""))]
    named = [each[-settings.TRUSTED_PROXIES :][0].lower() for each in hops if any(each)]
    return bool(named) and set(named) == {"https"}


def _forwarded_protos(header: str) -> list[str]:
    """Return the `proto` of each hop in `Forwarded`, "" for a hop without."""
    protos = [""]
    for match in FORWARDED.finditer(header):
        if match[0] == ",":
            protos.append("")
        elif match[1].lower() == "proto":
            protos[-1] = match[2] or match[3] or ""
    return protos
