"""The root of all paths."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from modelhub.core import problems
from modelhub.web.page import not_found

urlpatterns = [
    path("", include("modelhub.urls")),
    path("", include("modelhub.web.urls")),
    # One place that counts wrong passwords.
    path("admin/password_change/", RedirectView.as_view(pattern_name="web:password")),
    path("admin/", admin.site.urls),
    *([path("__admin/", include("modelhub.testing.urls"))] if settings.TEST_CONTROLS else []),
]

handler400 = problems.bad_request
handler403 = problems.forbidden
handler404 = not_found
handler500 = problems.server_error
