"""Paths of the hosted service that are not implemented: 501 (contract 3).

A feature that gets implemented loses its line here, and gains one in the `urls.py` of its package.
"""

from typing import Any, NoReturn

from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from modelhub.core.errors import Unimplemented

QUEUES = "model-hub/annotation-queues/"
QUEUE = QUEUES + "<str:queue_id>/"
ITEMS = QUEUE + "items/"
ITEM = ITEMS + "<str:item_id>/"
# In the order of matching: an id may be any string.
FEATURES: dict[str, list[str]] = {
    "discussion threads": [
        ITEM + "discussion/",
        ITEM + "discussion/<str:thread_id>/reopen/",
        ITEM + "discussion/<str:thread_id>/resolve/",
        ITEM + "discussion/comments/<str:comment_id>/",
        ITEM + "discussion/comments/<str:comment_id>/reaction/",
    ],
    "automation rules": [
        QUEUE + "automation-rules/",
        QUEUE + "automation-rules/<str:rule_id>/",
        QUEUE + "automation-rules/<str:rule_id>/evaluate/",
    ],
    "annotations of one span": [
        "tracer/observation-span/add_annotations/",
    ],
    "users by organization": [
        "model-hub/organizations/<str:organization_id>/users/",
        "model-hub/organizations/<str:organization_id>/users/<str:user_id>/",
    ],
}


class UnimplementedView(APIView):
    """Answer every method with 501, after authentication. Any valid key suffices."""

    permission_classes = ()
    feature = ""

    def initial(self, request: Request, *args: Any, **options: Any) -> NoReturn:
        """Raise `Unimplemented` for an authenticated request."""
        super().initial(request, *args, **options)
        raise Unimplemented(f"This server does not implement {self.feature}. The request had no effect.")


urlpatterns = [
    path(route, UnimplementedView.as_view(feature=feature), name="not-implemented")
    for feature, routes in FEATURES.items()
    for route in routes
]
