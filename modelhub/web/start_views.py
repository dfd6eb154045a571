"""The first page: "My work", or a description of the server before the login."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from modelhub.web.page import Page


class Start(Page):
    """My work."""

    def to_login(self) -> HttpResponse:
        return render(self.request, "web/start.html")

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("work.html")
