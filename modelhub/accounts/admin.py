"""Admin pages of organizations, users and API keys."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from modelhub.accounts.keys import create_api_key, revoke_api_key, rotate_api_key
from modelhub.accounts.models import ApiKey, Organization, User
from modelhub.core.admin import NoDeleteAdmin
from modelhub.core.errors import Conflict

GRACE = timedelta(days=1)
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(NoDeleteAdmin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name",)


@admin.register(User)
class UserAdmin(NoDeleteAdmin, DjangoUserAdmin):
    """Users, with or without a password. Deactivated instead of deleted."""

    ordering = ("email",)
    list_display = ("email", "name", "organization", "role", "is_active", "is_staff")
    list_filter = ("role", "is_active", "is_staff")
    search_fields = ("email", "name")
    autocomplete_fields = ("organization",)
    readonly_fields = ("id", "created_at", "last_login")
    frozen_fields = ("organization",)  # that of its scores
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("id", "email", "password", "name", "organization", "role")}),
        ("Admin", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "organization", "role", "usable_password", "password1", "password2")}),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(NoDeleteAdmin):
    """API keys. A secret is shown once, in the message after its creation."""

    list_display = ("name", "api_key", "user", "scopes", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("user", "use")
    search_fields = ("name", "api_key", "user__email")
    autocomplete_fields = ("user",)
    actions = ("rotate", "revoke")
    fields = ("name", "user", "scopes", "expires_at", "api_key", "last_used_at", "revoked_at", "created_at")
    readonly_fields = ("api_key", "last_used_at", "revoked_at", "created_at")
    frozen_fields = ("user",)  # a key never changes hands

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "ModelForm[Any]", change: bool) -> None:
        if change:
            obj.save()
            return
        key, secret = create_api_key(user=obj.user, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.organization_id, obj.api_key = key.pk, key.organization_id, key.api_key
        _show_secret(request, key, secret)

    @admin.display(ordering="use__last_used_at")
    def last_used_at(self, key: ApiKey) -> datetime:
        """Return the last use. Raise `ObjectDoesNotExist`, which Django shows as a dash."""
        return key.use.last_used_at

    @admin.action(description="Rotate: a new pair, the old one valid for a day")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.select_related("user"):
            try:
                _show_secret(request, *rotate_api_key(key, grace=GRACE))
            except Conflict as error:
                messages.error(request, str(error))

    @admin.action(description="Revoke at once")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            revoke_api_key(key)


def _show_secret(request: HttpRequest, key: ApiKey, secret: str) -> None:
    messages.warning(request, f"API key {key.api_key} with the secret key {secret} (not shown again)")
