"""Items that wait for a review, and the decision on one."""

import uuid
from typing import Any

from django.http.response import HttpResponseBase

from modelhub.queues.access import get_access
from modelhub.web.page import Page


class ReviewList(Page):
    """Review."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("review")
        return self.render("review_list.html")


class ReviewItem(Page):
    """Review."""

    def show(self, pk: uuid.UUID, **ids: Any) -> HttpResponseBase:
        get_access(self.actor, pk).check("review")
        return self.render("review.html")
