"""The admin's page to log in, which answers only so many attempts: passwords can be guessed, API keys cannot."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from modelhub.accounts.throttling import KNOWN, check_login
from modelhub.core import problems
from modelhub.core.errors import RateLimited


def login(request: HttpRequest) -> HttpResponse:
    """Django's own, after the count. Attempts that succeed are counted, too: what costs is the hashing."""
    if request.method != "POST":
        return admin.site.login(request)
    try:
        mark = check_login(request.META, request.POST.get("username", ""))
    except RateLimited as refusal:
        return problems.refusal_response(refusal)
    response = admin.site.login(request)
    if request.user.is_authenticated:
        KNOWN.add(mark)
    return response
