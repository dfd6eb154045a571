"""What a WSGI server imports: `config.wsgi:application`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, which takes a body without a length for an empty one, told that a chunked body may be there.

    gunicorn ends such a body where its last chunk ends, so the length is only how much may be read.
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and not environ.get("CONTENT_LENGTH"):
        environ["CONTENT_LENGTH"] = str(settings.MAX_BODY_BYTES + 1)
    response = django_application(environ, start_response)
    if environ["REQUEST_METHOD"] == "HEAD":
        # Its headers are the answer; gunicorn would warn of a body.
        response.close()
        return []
    return response
