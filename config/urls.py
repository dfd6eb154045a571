"""The root of all paths."""

from django.contrib import admin
from django.urls import include, path

from modelhub.accounts import admin_login
from modelhub.core import handlers as errors

urlpatterns = [
    path("admin/login/", admin_login.login),
    path("admin/", admin.site.urls),
    path("", include("modelhub.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
