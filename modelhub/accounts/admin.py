"""Admin pages of organizations, users and API keys."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from modelhub.accounts.keys import create_api_key, revoke_api_key, rotate_api_key
from modelhub.accounts.models import ApiKey, Organization, User
from modelhub.core.admin import NoDeleteAdmin, UncountedPaginator

GRACE = timedelta(days=1)
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(NoDeleteAdmin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name",)


class NewUserForm(AdminUserCreationForm):
    """Form for a new user. The login is an email in lower case."""

    class Meta:
        model = User
        fields = ("email", "name", "organization", "role")

    def clean_email(self) -> str:
        """Return the email in lower case, as the database requires."""
        return str(self.cleaned_data["email"]).lower()


class UserForm(UserChangeForm):
    """Form for an existing user."""

    class Meta:
        model = User
        fields = "__all__"

    clean_email = NewUserForm.clean_email


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users, with or without a password. Deactivated instead of deleted."""

    form, add_form = UserForm, NewUserForm
    paginator = UncountedPaginator
    show_full_result_count = False
    ordering = ("email",)
    list_display = ("email", "name", "organization", "role", "is_active", "is_staff")
    list_filter = ("role", "is_active", "is_staff")
    search_fields = ("email", "name")
    autocomplete_fields = ("organization",)
    readonly_fields = ("id", "created_at", "last_login")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("id", "email", "password", "name", "organization", "role")}),
        ("Admin", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "organization", "role", "usable_password", "password1", "password2")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Freeze the organization of a stored user, which is that of its scores."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "organization")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: scores refer to their annotators."""
        return False


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

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the user of an existing key: a key never changes hands."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "user")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "ModelForm[Any]", change: bool) -> None:
        """Create a new key by the service, and show its secret."""
        if change:
            obj.save()
            return
        key, secret = create_api_key(user=obj.user, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.organization_id, obj.api_key = key.pk, key.organization_id, key.api_key
        _show_secret(request, key, secret)

    @admin.display(ordering="use__last_used_at")
    def last_used_at(self, key: ApiKey) -> datetime | None:
        """Return the last use, as a column that sorts."""
        return key.last_used_at

    @admin.action(description="Rotate: a new pair, the old one valid for a day")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Create a successor of each key, and show its secret."""
        for key in queryset.select_related("user"):
            _show_secret(request, *rotate_api_key(key, grace=GRACE))

    @admin.action(description="Revoke at once")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke each key."""
        for key in queryset:
            revoke_api_key(key)


def _show_secret(request: HttpRequest, key: ApiKey, secret: str) -> None:
    messages.warning(request, f"API key {key.api_key} with the secret key {secret} (not shown again)")
