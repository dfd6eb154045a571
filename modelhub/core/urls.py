"""Paths for operators and browsers."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import path, re_path
from django.views.generic import RedirectView

from modelhub.core import health, pages
from modelhub.core.problems import read_only

# First parts of addresses that people type.
PAGES = "admin|login|password|invitation|queues|labels|sources|people|keys"


@read_only
def add_slash(request: HttpRequest) -> HttpResponse:
    """Redirect to the path with a slash at its end; only pages have this."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{request.path}/" + (f"?{query}" if query else ""))


@read_only
def no_shortcut(request: HttpRequest, _: str) -> HttpResponse:
    """Close a redirect of the admin that fails for ids that are no UUIDs."""
    raise Http404


urlpatterns = [
    path("healthz", health.Health.as_view(), name="healthz"),
    path("readyz", health.Readiness.as_view(), name="readyz"),
    path("metrics", read_only(health.show_metrics), name="metrics"),
    path("schema/", pages.SchemaView.as_view(), name="schema"),
    path("docs/", read_only(pages.DocsView.as_view()), name="docs"),
    re_path(rf"^(?:docs|schema|(?:{PAGES})(?:/.*)?)(?<!/)$", add_slash, name="add_slash"),
    path("admin/r/<path:_>", no_shortcut),
    path("favicon.ico", read_only(RedirectView.as_view(url=static("modelhub/favicon.ico")))),
]
