"""Outermost middleware of the test controls, only with MODELHUB_TEST_CONTROLS."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from modelhub.testing.state import current, find_controls

CONTROLS = "/__admin/"


class TestControls:
    """Give each request of the API the controls of its organization."""

    # Not a class of tests, for pytest.
    __test__ = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(CONTROLS):
            return self.get_response(request)
        token = current.set(find_controls(request))
        try:
            return self.get_response(request)
        finally:
            current.reset(token)
