"""The first page: "My work", or a description of the server before the login."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from modelhub.queues.own_slots import find_returned
from modelhub.queues.own_work import count_work, own_queues
from modelhub.web.page import Page

PAGE_SIZE = 25


class Start(Page):
    """My work."""

    def to_login(self) -> HttpResponse:
        return render(self.request, "web/start.html")

    def show(self, **ids: Any) -> HttpResponseBase:
        page = Paginator(own_queues(self.actor), PAGE_SIZE).get_page(self.request.GET.get("page"))
        work = count_work(self.actor, list(page.object_list))
        returned = find_returned(self.actor, [one.access.queue for one in work if one.access.queue.status == "active"])
        return self.render("work.html", page=page, queues=[(one, returned.get(one.access.queue.pk)) for one in work])
