"""The base of all pages: sessions, rights, and errors as sentences on the page."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.views.generic import View
from django_htmx.http import HttpResponseClientRedirect

from modelhub.accounts.models import User
from modelhub.accounts.people import Actor, session_actor
from modelhub.core import problems
from modelhub.core.errors import Forbidden, NotFound, Refused
from modelhub.core.problems import is_browser, problem, refusal_response

HEADINGS = {403: "No access", 404: "Not found"}
SHOWN_ADMINS = 5


class Link(NamedTuple):
    """An entry of the navigation."""

    name: str
    path: str


class Page(View):
    """A page for people that are logged in; others are sent to the login.

    A subclass has `show`, which returns the page, and `act` where it takes a form. A `Refused` of `act` is shown on the
    page with its own status, and nothing that was typed is lost: `show` gets it as `self.refused`, the form as
    `request.POST`. Pages that are missing or forbidden are an error page.
    """

    http_method_names = ["get", "head", "post"]
    # Pages that only admins of the organization open, with the sentence for all others.
    for_admins: ClassVar[str] = ""
    refused: Refused | None = None
    # With the ids of the address as keyword arguments.
    show: Callable[..., HttpResponseBase]
    act: Callable[..., HttpResponseBase]

    @cached_property
    def actor(self) -> Actor:
        user = self.request.user
        if not isinstance(user, User):
            raise TypeError(user)
        return session_actor(user)

    @property
    def organization_id(self) -> uuid.UUID:
        return self.actor.user.organization_id

    @property
    def back(self) -> str:
        """Return the page after a login in place of a rejected form."""
        return reverse("web:start")

    def dispatch(self, request: HttpRequest, *args: Any, **ids: Any) -> HttpResponseBase:
        """Return the page, a redirect to the login, or the error page of a `Refused`."""
        if not request.user.is_authenticated:
            return self.to_login()
        try:
            if self.for_admins and self.actor.missing_right:
                raise Forbidden(f"{self.for_admins}; {self.actor.missing_right}.")
            return super().dispatch(request, *args, **ids)
        except Refused as refused:
            return self.show_refused(refused)

    def show_refused(self, refused: Refused) -> HttpResponse:
        """Return the error page, for errors after which the page cannot be shown."""
        if not is_browser(self.request):
            return refusal_response(self.request, refused)
        self.refused = refused.with_traceback(None)
        body = problem(refused.status, str(refused), code=refused.code)
        admins = self._find_admins() if isinstance(refused, Forbidden) and self.actor.missing_right else []
        answer = self.render("error.html", **body, heading=HEADINGS.get(refused.status, body["title"]), admins=admins)
        answer.status_code = refused.status
        for name, value in refused.headers.items():
            answer[name] = value
        patch_vary_headers(answer, ["Accept"])
        return answer

    def _find_admins(self) -> list[User]:
        """Return the admins to ask for a right, without those that cannot log in yet."""
        admins = User.objects.filter(organization_id=self.organization_id, role="admin", is_active=True)
        admins = admins.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        return list(admins.order_by("name", "email")[:SHOWN_ADMINS])

    def to_login(self) -> HttpResponse:
        """Return a redirect that leads back after the login, to the page that sent a form."""
        sent = self.request.method not in {"GET", "HEAD"}
        redirect = redirect_to_login(self.back if sent else self.request.get_full_path())
        return HttpResponseClientRedirect(redirect["Location"]) if self.is_htmx else redirect

    @property
    def is_htmx(self) -> bool:
        return bool(getattr(self.request, "htmx", False))

    def get(self, request: HttpRequest, **ids: Any) -> HttpResponseBase:
        return self.show(**ids)

    def post(self, request: HttpRequest, **ids: Any) -> HttpResponseBase:
        """Act on the form. Show the page again with the error of a rejected one."""
        if not hasattr(self, "act"):
            return self.http_method_not_allowed(request)
        try:
            return self.act(**ids)
        except (NotFound, Forbidden):
            raise
        except Refused as refused:
            # Its frames refer to this page: the form would stay in memory until a garbage collection.
            self.refused = refused.with_traceback(None)
            return self.show(**ids)

    def render(self, template: str, **context: Any) -> HttpResponse:
        """Return a template with the navigation, the rights and the error."""
        shared = {"actor": self.actor, "links": self.links(), "refused": self.refused}
        # Browsers log an error status of a script's request as an error of the page.
        status = self.refused.status if self.refused and not self.is_htmx else 200
        return render(self.request, f"web/{template}", shared | context, status=status)

    def links(self) -> list[Link]:
        """Return the navigation of the person."""
        names = ["start", "queues"] if self.actor.missing_right else ["start", "queues", "labels", "sources", "people"]
        titles = {
            "start": "My work",
            "queues": "Queues",
            "labels": "Labels",
            "sources": "Sources",
            "people": "People and keys",
        }
        return [Link(titles[name], reverse(f"web:{name}")) for name in names]

    def back_to(self, name: str, *, done: str = "", **ids: Any) -> HttpResponseRedirect:
        """Return a redirect after a form; `done` is shown on the next page."""
        if done:
            messages.success(self.request, done)
        return HttpResponseRedirect(reverse(f"web:{name}", kwargs=ids))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the 404 of an unknown path, as handler404: a page for a person."""
    if not isinstance(getattr(request, "user", None), User) or not is_browser(request):
        return problems.not_found(request, exception)
    page = Page()
    page.setup(request)
    return page.show_refused(NotFound(problems.unknown_path(request)))
