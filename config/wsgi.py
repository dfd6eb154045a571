"""The WSGI application, `config.wsgi:application`."""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()
# Of a Content-Type, Django needs the type and the boundary of a form. A charset without meaning (`hex`) and a parameter
# in an encoding that is unknown (RFC 2231) raise errors outside of every handler.
PARAMETER = re.compile(r";(?!\s*boundary=)[^;]*")
ENCODED_PARAMETER = re.compile(r";[^,;]*\*\s*=[^,;]*")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return Django's answer, without its body for HEAD, which waitress would send."""
    if ";" in (content_type := environ.get("CONTENT_TYPE", "")):
        environ["CONTENT_TYPE"] = ENCODED_PARAMETER.sub("", PARAMETER.sub("", content_type))
    if ";" in (accepted := environ.get("HTTP_ACCEPT", "")):
        environ["HTTP_ACCEPT"] = ENCODED_PARAMETER.sub("", accepted)
    response = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] == "HEAD":
        response.close()
        return []
    return response
