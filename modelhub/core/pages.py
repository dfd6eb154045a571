"""Django's middleware for the pages of its admin. Requests of the API, which have no session, pass it by."""

from collections.abc import Awaitable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

API = ("/model-hub/", "/tracer/")


class PagesOnly(MiddlewareMixin):
    """Before another middleware: lets requests of the API go straight on."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Go on, or do what the other one does."""
        if request.path.startswith(API):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(PagesOnly, SessionMiddleware):
    """Who is logged in to the admin."""


class Authentication(PagesOnly, AuthenticationMiddleware):
    """`request.user` of the admin."""


class Messages(PagesOnly, MessageMiddleware):
    """What the admin tells of after a form."""
