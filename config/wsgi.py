"""The WSGI application."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{__package__}.settings")
django_application = get_wsgi_application()
# Of a Content-Type, Django needs the type and the boundary of a form; of Accept, types and weights. A charset without
# meaning (`hex`) and an unknown encoding of a parameter (RFC 2231) raise errors outside of every handler, and Django
# takes `application/json; charset=utf-8` in Accept for another type than `application/json`.
TYPE_PARAMETER = re.compile(r";(?!\s*boundary=)[^;]*")
ACCEPT_PARAMETER = re.compile(r";(?!\s*q\s*=)[^,;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return Django's answer, without its body for HEAD, which waitress would send."""
    if ";" in (content_type := environ.get("CONTENT_TYPE", "")):
        environ["CONTENT_TYPE"] = TYPE_PARAMETER.sub("", content_type)
    if ";" in (accepted := environ.get("HTTP_ACCEPT", "")):
        environ["HTTP_ACCEPT"] = ACCEPT_PARAMETER.sub("", accepted)
    response = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] == "HEAD":
        response.close()
        return []
    return response
