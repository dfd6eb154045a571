"""What every answer tells browsers: what a page of it may load, and what nobody may keep.

Two constant policies need no library: no page of this server has a script inside.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Swagger UI writes styles into its page; the admin asks for less.
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA = "default-src 'none'; frame-ancestors 'none'"
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class HeadersMiddleware:
    """Content-Security-Policy, Permissions-Policy, and Cache-Control where a view says nothing of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and add the headers."""
        response = self.get_response(request)
        headers = response.headers
        headers["Content-Security-Policy"] = PAGE if headers.get("Content-Type", "").startswith("text/html") else DATA
        headers["Permissions-Policy"] = PERMISSIONS
        headers.setdefault("Cache-Control", "no-store")
        return response
